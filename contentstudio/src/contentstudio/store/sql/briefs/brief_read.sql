-- The brief of a job, with the seal that binds a decision to it: what waits for a person, else what the article is written
-- by, else what was planned last.
select job_id, step, key as site, status, error, coalesce(finished_at, created_at) as finished_at,
       case when step = 'brief' then output else input end as brief, seal(output, input) as seal
from runs
where job_id = %(job_id)s and pipeline = 'article'
  and (step = 'brief' and output ? 'sections' or step = 'generate' and input ? 'sections')
order by status = 'needs_review' desc, id desc
limit 1
