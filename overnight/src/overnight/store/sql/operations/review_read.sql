-- What of a job waits for a person, and whether it is what that person saw.
select id, job_id, step, pipeline, key, output is not null as has_output,
       starts_with(seal(output, input), %(revision)s) as is_seen
from runs
where job_id = %(job_id)s and status = 'needs_review'
order by is_seen desc, id
limit 1
