-- The children of a join, in the order of spawning, each as its last run stands. Of one whose place a later event took
-- while it waited no run is left.
select j.job_id, coalesce(r.pipeline, '') as pipeline, coalesce(r.key, '') as key, coalesce(r.status, 'cancelled') as status,
       r.output, case when r.id is null then 'a later event took its place' else r.error end as error
from wait_jobs j
left join lateral (
    select o.id, o.pipeline, o.key, o.status, o.output, o.error
    from runs o
    where o.job_id = j.job_id
    order by o.id desc
    limit 1) r on true
where j.run_id = %(run_id)s
order by j.position
