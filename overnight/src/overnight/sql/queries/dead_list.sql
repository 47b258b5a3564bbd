select id, job_id, step, pipeline, key, input, error, error_class, failures, losses, cost_usd, died_at, attempts
from dead_letters
where %(job_id)s::text is null or job_id = %(job_id)s
order by died_at desc
limit %(limit)s
