-- Each article that readers have, over the days from `since` to `last`, and over those from `first` to before `since`.
select r.site, r.slug, a.title, r.clicks, r.clicks_before, r.impressions, r.position, r.visits,
       r.visits_before
from (
    select site, slug,
           coalesce(sum(clicks) filter (where day >= %(since)s), 0)::int as clicks,
           coalesce(sum(clicks) filter (where day < %(since)s), 0)::int as clicks_before,
           coalesce(sum(impressions) filter (where day >= %(since)s), 0)::int as impressions,
           sum(position * impressions) filter (where day >= %(since)s)
               / nullif(sum(impressions) filter (where day >= %(since)s and position is not null), 0) as position,
           coalesce(sum(visits) filter (where day >= %(since)s), 0)::int as visits,
           coalesce(sum(visits) filter (where day < %(since)s), 0)::int as visits_before
    from article_results
    where site = %(site)s and day between %(first)s and %(last)s
    group by site, slug
) r
join articles a on a.site = r.site and a.slug = r.slug and a.url is not null
order by r.slug
