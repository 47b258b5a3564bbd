-- How many articles came to each site since a moment, and how many are on their way; of these, how many wait for a person.
select site, sum(published)::int as published, sum(waiting)::int as waiting, sum(under_way)::int as under_way
from (
    select site, count(distinct slug) as published, 0 as waiting, 0 as under_way
    from versions
    where first_at >= %(since)s
    group by site
    union all
    select site, 0, count(*) filter (where state = 'review'), count(*)
    from articles
    where state not in ('published', 'unpublished', 'refreshing', 'rejected')
    group by site
) as counted
group by site
