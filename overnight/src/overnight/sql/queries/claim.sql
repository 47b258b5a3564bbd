-- Takes due runs of steps that this worker knows and no switch holds back. The attempt is counted here, so that a step
-- that kills its process is counted too. Of the steps that lost several owners, one kills its worker and the others may
-- only have stood beside it: a worker runs one of those at a time, so that the innocent ones come to their end.
with due as (
    select r.id, r.losses
    from runs r
    where r.status = 'queued'
      and r.due_at <= ledger_now()
      and r.pipeline || '/' || r.step = any(%(steps)s::text[])
      and (%(keys)s::text[] is null or r.key = '' or r.key = any(%(keys)s::text[]))
      and 'all' <> all(array(select scope from switches where not enabled))
      and 'pipeline:' || r.pipeline <> all(array(select scope from switches where not enabled))
      and 'key:' || r.key <> all(array(select scope from switches where not enabled))
      and 'step:' || r.pipeline || '/' || r.step <> all(array(select scope from switches where not enabled))
    order by r.due_at, r.id
    limit %(limit)s
    for update skip locked
),
chosen as (
    select id from due where losses < %(suspect)s
    union all
    (select id from due
     where losses >= %(suspect)s
       and not exists (select from runs o
                       where o.status = 'running' and o.worker = %(worker)s and o.losses >= %(suspect)s)
     order by id
     limit 1)
)
update runs
set status = 'running', attempt = runs.attempt + 1, worker = %(worker)s, started_at = ledger_now(),
    lease_until = ledger_now() + make_interval(secs => %(lease)s), finished_at = null
from chosen
where runs.id = chosen.id
returning runs.id, runs.job_id, runs.step, runs.pipeline, runs.key, runs.attempt, runs.failures,
          runs.input::text as input
