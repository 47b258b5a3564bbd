-- What was decided on, the latest first.
select site, slug, found_on::text as found_on, title, decision, reason, target, near, likeness, score, factors, url,
       cardinality(snapshots) as pages, chosen_at
from choices
where (%(site)s::text is null or site = %(site)s) and chosen_at >= ledger_now() - make_interval(days => %(days)s)
order by chosen_at desc, score desc, slug
