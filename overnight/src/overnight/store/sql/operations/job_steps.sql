-- Of some jobs what their steps came to, in the order of the steps, and what they used together.
select job_id, min(created_at) as created_at, sum(attempt)::int as attempts, sum(failures)::int as failures,
       sum(cost_usd) as cost_usd,
       jsonb_agg(jsonb_build_object('step', step, 'status', status, 'attempt', attempt) order by id) as steps
from runs
where job_id = any(%(jobs)s::text[])
group by job_id
