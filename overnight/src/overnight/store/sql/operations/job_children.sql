-- The jobs that steps of a job join, in the order of spawning, a page at a time, each as its last run stands: `before_run`
-- and `before_position` are those of the last one of the page before. `ended`: the join counts it as ended.
select j.run_id, j.position, j.job_id, j.ended, p.step as joined_by, r.pipeline, r.key, r.step, r.status, r.error,
       r.finished_at
from runs p
join wait_jobs j on j.run_id = p.id
left join lateral (
    select o.pipeline, o.key, o.step, o.status, o.error, o.finished_at
    from runs o
    where o.job_id = j.job_id
    order by o.id desc
    limit 1) r on true
where p.job_id = %(job_id)s
  and (%(before_run)s::bigint is null or (j.run_id, j.position) > (%(before_run)s, %(before_position)s::int))
order by j.run_id, j.position
limit %(limit)s
