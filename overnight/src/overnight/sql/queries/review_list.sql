-- What waits for a person, each with its seal. Of one job alone the thing itself is shown as it is stored, every digit of
-- it, and what the step had been given.
select id, job_id, step, pipeline, key, error as reasons, output, cost_usd, finished_at as since,
       seal(output, input) as seen,
       case when %(job_id)s::text is not null then input end as input,
       case when %(job_id)s::text is not null then jsonb_pretty(coalesce(nullif(output, 'null'), input, 'null')) end as shown
from runs
where status = 'needs_review' and (%(job_id)s::text is null or job_id = %(job_id)s)
order by finished_at
limit %(limit)s
