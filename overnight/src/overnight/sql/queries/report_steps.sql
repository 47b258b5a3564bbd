-- Latency and retries of each step since a moment.
select pipeline, step,
       count(*) filter (where status = 'succeeded') as succeeded,
       count(*) filter (where status = 'dead') as dead,
       count(*) filter (where status = 'needs_review') as needs_review,
       sum(failures) as retries,
       percentile_cont(0.5) within group (order by extract(epoch from finished_at - started_at)) as p50_seconds,
       percentile_cont(0.95) within group (order by extract(epoch from finished_at - started_at)) as p95_seconds,
       sum(cost_usd) as cost_usd
from runs
where started_at >= %(since)s and pipeline <> ''
group by pipeline, step
order by pipeline, min(id)
