-- What failed and waits for its next attempt: it is neither done nor given up.
select r.job_id, r.pipeline, r.step, r.key as site, r.input, r.failures, r.error, r.due_at
from runs r
where r.status = 'queued' and r.failures > 0 and r.error_class is distinct from 'budget' and r.due_at > ledger_now()
order by r.due_at, r.id
