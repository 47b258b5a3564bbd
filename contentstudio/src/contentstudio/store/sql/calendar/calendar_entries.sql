-- What stands on the days of a calendar. Versions stand on the day of their first publication; what is planned, on the day
-- that it is due. Of each day only the first ones are read whole.
select d.day, e.kind, e.site, e.slug, e.at, e.total, coalesce(a.title, e.slug) as title, a.url, a.state, a.job_id,
       e.kind = 'planned' as can_move
from unnest(%(days)s::date[], %(begins)s::timestamptz[], %(ends)s::timestamptz[]) as d (day, begins, ends)
cross join lateral (
    (select case when exists (select from versions o where o.site = v.site and o.slug = v.slug and o.first_at < v.first_at)
                 then 'updated' else 'published' end as kind,
            v.site, v.slug, v.first_at as at, v.total, 0 as rank
     from (select site, slug, first_at, count(*) over () as total
           from versions
           where first_at >= d.begins and first_at < d.ends and (%(site)s::text is null or site = %(site)s)
           order by first_at, slug
           limit %(limit)s) v)
    union all
    (select 'planned', i.site, i.slug, null, count(*) over (), 1
     from ideas i
     join articles p on p.site = i.site and p.slug = i.slug
     where i.decision = 'create' and i.due = d.day and (%(site)s::text is null or i.site = %(site)s)
       and p.state not in ('published', 'unpublished', 'refreshing', 'rejected')
     order by i.score desc, i.slug
     limit %(limit)s)
) e
left join articles a on a.site = e.site and a.slug = e.slug
order by d.day, e.rank, e.at, e.slug
