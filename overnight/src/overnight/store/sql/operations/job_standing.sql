-- Where jobs stand: the last run of each. Its output is read, as text, where the job has succeeded and it is wanted.
select distinct on (job_id) job_id, pipeline, key, step, status, outcome, attempt, error, error_class, due_at, started_at,
       finished_at, emptied_at is not null as is_emptied,
       case when %(outputs)s::bool and status = 'succeeded' then output::text end as output
from runs
where job_id = any(%(jobs)s::text[])
order by job_id, id desc
