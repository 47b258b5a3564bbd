-- Steps that failed and then succeeded.
select r.job_id, r.pipeline, r.step, r.key as site, r.failures, r.input,
       (select a.error from attempts a where a.run_id = r.id and a.outcome = 'retry' order by a.attempt limit 1) as error
from runs r
where r.status = 'succeeded' and r.failures > 0 and r.finished_at >= %(since)s
order by r.id
