-- What became of jobs that read sources. They have one step.
select job_id, status, outcome, error, failures, coalesce(finished_at, started_at) as at,
       coalesce((output->>'entries')::int, 0) as entries, coalesce((output->>'demands')::int, 0) as demands,
       output->>'slug' is not null as is_page, coalesce(output->'faults', '[]') as faults
from runs
where job_id = any(%(jobs)s::text[])
