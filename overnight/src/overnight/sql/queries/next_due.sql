-- Seconds until the next run that this worker could claim is due (negative when it is overdue); null where there is none.
select extract(epoch from min(r.due_at) - ledger_now())::float8 as seconds
from runs r
where r.status = 'queued'
  and (r.pipeline, r.step) in (select * from unnest(%(pipelines)s::text[], %(steps)s::text[]))
  and switched_off(r.pipeline, r.key, r.step) is null
