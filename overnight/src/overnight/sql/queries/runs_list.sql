select id, job_id, step, pipeline, key, status, outcome, attempt, failures, cost_usd, created_at, started_at, finished_at,
       due_at, error
from runs
where (%(status)s::text is null or status = %(status)s)
  and (%(pipeline)s::text is null or pipeline = %(pipeline)s)
  and (%(key)s::text is null or key = %(key)s)
order by id desc
limit %(limit)s
