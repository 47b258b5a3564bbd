-- Failed jobs with equal errors, together, those that failed last first. Of the jobs that match the newest are looked at, and
-- only these are read; `next_at` and `next_id` are the last of them where there may be others. The conditions are those of
-- dead_find.sql.
with page as (
    select id, kind, died_at
    from dead_letters
    where (%(job)s::text is null or job_id = %(job)s)
      and (%(pipeline)s::text is null or pipeline = %(pipeline)s)
      and (%(step)s::text is null or step = %(step)s)
      and (%(key)s::text is null or key = %(key)s)
      and (%(error)s::text is null or strpos(lower(error), lower(%(error)s)) > 0)
      and (%(since)s::timestamptz is null or died_at >= %(since)s)
      and (%(until)s::timestamptz is null or died_at < %(until)s)
      and (%(group)s::text is null or failure_group(pipeline, step, error) = %(group)s)
      and (%(before_at)s::timestamptz is null or (died_at, id) < (%(before_at)s, %(before_id)s::bigint))
    order by died_at desc, id desc
    limit %(looked)s
),
newest as materialized ( -- so that an error is brought into shape once
    select d.*, failure_group(d.pipeline, d.step, d.error) as name
    from page p
    cross join lateral (
        select id, kind, job_id, pipeline, step, key, origin, error, error_class, cost_usd, died_at
        from dead_letters l where l.id = p.id and l.kind = p.kind offset 0) d -- one by one
),
last as (
    select died_at, id from page order by died_at, id limit (select (count(*) = %(looked)s)::int from page)
)
select g.*, l.died_at as next_at, l.id as next_id
from (select name as "group", kind, pipeline, step, max(origin) as origin,
             count(*)::int as count, min(died_at) as first_at, max(died_at) as last_at, sum(cost_usd) as cost_usd,
             (array_agg(error order by died_at desc, id desc))[1] as error,
             (array_agg(error_class order by died_at desc, id desc))[1] as error_class,
             coalesce((array_agg(distinct key) filter (where key <> ''))[1:5], '{}') as keys,
             (array_agg(job_id order by died_at desc, id desc))[1:5] as jobs
      from newest
      group by name, kind, pipeline, step) g
left join last l on true
order by g.last_at desc, g."group"
