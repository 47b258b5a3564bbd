-- The latest report of each site and pipeline, among these jobs.
select distinct on (key, pipeline) output
from runs
where job_id = any(%(jobs)s::text[]) and step = 'report' and status = 'succeeded' and output is not null
order by key, pipeline, id desc
