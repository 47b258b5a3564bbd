-- Permission for one external write: only for the live owner of the run, and only while no switch is off. The intent is
-- written in the same statement, so that nobody writes outside without it. `seen_before`: this write was begun before, or
-- an earlier attempt of the run began one of this name with other content and left no outcome. `came_back`: what is known of
-- the result of such a one.
with earlier as (
    select e.result
    from runs r join effects e on e.job_id = r.job_id and e.name = %(name)s
    where r.id = %(run_id)s and e.run_id = r.id and e.attempt < %(attempt)s and e.status = 'intended'
    order by e.id desc
    limit 1
)
insert into effects (job_id, name, content_hash, run_id, attempt)
select r.job_id, %(name)s, %(content_hash)s, r.id, r.attempt
from runs r
where r.id = %(run_id)s and r.attempt = %(attempt)s and r.status = 'running'
  and switched_off(r.pipeline, r.key, r.step) is null
on conflict (job_id, name, content_hash) do update
    set attempt = excluded.attempt, run_id = excluded.run_id
returning id, status, result, (xmax <> 0) or exists (select from earlier) as seen_before,
          coalesce(result, (select result from earlier)) #>> '{}' as came_back
