-- Failed tries to log in of late, of an address and of all.
select count(*) filter (where address = %(address)s)::int as address, count(*)::int as everybody
from console_failures
where at > ledger_now() - make_interval(secs => %(within)s)
