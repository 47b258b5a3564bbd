-- Sources that gave nothing, and why.
select job_id, key as site, input->>'url' as url, error as reason, finished_at
from runs
where pipeline = 'source' and finished_at >= %(since)s and (status = 'cancelled' or outcome = 'no_work')
order by id
