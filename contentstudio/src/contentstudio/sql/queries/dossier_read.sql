-- The judged draft of a job, with the seal that binds a decision to it: what waits for a person, else what was judged last.
select job_id, step, key as site, status, error, output, seal(output, input) as seal, finished_at
from runs
where job_id = %(job_id)s and pipeline = 'article' and output ? 'draft' and output ? 'verdicts'
order by status = 'needs_review' desc, id desc
limit 1
