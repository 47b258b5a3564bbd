-- Takes due runs of steps that this worker knows and no switch holds back. The attempt is counted here, so that a step
-- that kills its process is counted too.
with due as (
    select r.id
    from runs r
    where r.status = 'queued'
      and r.due_at <= ledger_now()
      and (r.pipeline, r.step) in (select * from unnest(%(pipelines)s::text[], %(steps)s::text[]))
      and not exists (
          select from switches s
          where not s.enabled
            and s.scope in ('all', 'pipeline:' || r.pipeline, 'key:' || r.key, 'step:' || r.pipeline || '/' || r.step))
    order by r.due_at, r.id
    limit %(limit)s
    for update skip locked
)
update runs
set status = 'running', attempt = runs.attempt + 1, worker = %(worker)s, started_at = ledger_now(),
    lease_until = ledger_now() + make_interval(secs => %(lease)s), finished_at = null
from due
where runs.id = due.id
returning runs.id, runs.job_id, runs.step, runs.pipeline, runs.key, runs.attempt, runs.failures,
          runs.input::text as input
