select id, job_id, step, pipeline, key, error as reasons, output, cost_usd, finished_at as since
from runs
where status = 'needs_review' and (%(job_id)s::text is null or job_id = %(job_id)s)
order by finished_at
limit %(limit)s
