-- The judged draft of a job, with the seal that binds a decision to it: what waits for a person, else what waits for a last
-- edit or its window, else what was judged last. What a person wrote in that wait was not judged yet.
select job_id, step, key as site, status, error,
       case when step <> 'confirm' or status <> 'queued' then output
            when input ? 'draft' then input
            else jsonb_build_object('draft', input, 'verdicts', '[]'::jsonb) end as output,
       seal(output, input) as seal, coalesce(finished_at, created_at) as finished_at
from runs
where job_id = %(job_id)s and pipeline = 'article'
  and (output ? 'draft' and output ? 'verdicts' or step = 'confirm' and status = 'queued' and input is not null)
order by status = 'needs_review' desc, id desc
limit 1
