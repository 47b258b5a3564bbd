-- How a page stands with IndexNow, and for how many seconds nobody may tell of it again.
select coalesce(submitted_at >= changed_at, false) as submitted,
       coalesce(accepted_at >= changed_at, false) as accepted,
       coalesce(extract(epoch from told_at + make_interval(secs => %(apart)s) - ledger_now()), 0)::float8 as wait
from listings
where site = %(site)s and url = %(url)s
