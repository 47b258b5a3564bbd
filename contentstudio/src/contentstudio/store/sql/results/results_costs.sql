-- What all jobs of articles cost, as far as their runs are kept.
select w.site, w.slug, coalesce(sum(r.cost_usd), 0)::float8 as cost_usd
from unnest(%(sites)s::text[], %(slugs)s::text[]) as w (site, slug)
cross join lateral (
    select a.job_id from articles a where a.site = w.site and a.slug = w.slug
    union
    select v.job_id from versions v where v.site = w.site and v.slug = w.slug
) j
left join runs r on r.job_id = j.job_id
group by w.site, w.slug
