-- How many articles were published for the first time since a moment, by site.
select site, count(*)::int as articles
from (select site, min(first_at) as at from versions group by site, slug) v
where at >= %(since)s
group by site
