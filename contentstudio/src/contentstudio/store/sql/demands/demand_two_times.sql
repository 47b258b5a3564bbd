-- The clicks of each query in the latest week that a source told, and four weeks or more before it.
with latest as (
    select source, max(week) as week from demand_weeks where site = %(site)s group by source
),
times as (
    select l.source, l.week as now,
           (select max(b.week) from demand_weeks b
            where b.site = %(site)s and b.source = l.source and b.week <= l.week - 28) as before
    from latest l
)
select w.query, coalesce(sum(w.clicks) filter (where w.week = t.before), 0)::int as before,
       coalesce(sum(w.clicks) filter (where w.week = t.now), 0)::int as now
from times t join demand_weeks w on w.site = %(site)s and w.source = t.source and w.week in (t.now, t.before)
where t.before is not null
group by w.query
order by w.query
