-- What readers did with the articles of a site in the last days; the position is the mean of all impressions.
select coalesce(sum(clicks), 0)::bigint as clicks, coalesce(sum(impressions), 0)::bigint as impressions,
       coalesce(sum(visits), 0)::bigint as visits,
       sum(position * impressions) / nullif(sum(impressions) filter (where position is not null), 0) as position,
       max(day) as latest
from article_results
where day > (ledger_now() at time zone 'utc')::date - %(days)s::int and site = %(site)s
