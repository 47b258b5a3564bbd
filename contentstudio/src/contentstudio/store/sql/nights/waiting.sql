-- What needs a person, whenever it began to.
select job_id, step, pipeline, key as site, status, error, case when status = 'dead' then input end as input, coalesce(output->'draft'->>'title', output->'titles'->>0) as title, finished_at
from runs
where status in ('needs_review', 'dead')
order by status, finished_at
