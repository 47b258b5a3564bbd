-- What needs a person, whenever it began to; of what failed, what its whole job cost.
select job_id, step, pipeline, key as site, status, error, case when status = 'dead' then input end as input,
       coalesce(output->'draft'->>'title', output->'titles'->>0) as title, finished_at,
       case when status = 'dead' then (select sum(j.cost_usd)::float8 from runs j where j.job_id = r.job_id) end as cost_usd
from runs r
where status in ('needs_review', 'dead')
order by status, finished_at
