-- Sources that gave nothing, and why. What only is as it was is no news.
select job_id, key as site, input->>'url' as url, error as reason, finished_at
from runs
where pipeline = 'source' and finished_at >= %(since)s
  and (status = 'cancelled' or outcome = 'no_work' and coalesce(error, '') not like 'unchanged since %%')
order by id
