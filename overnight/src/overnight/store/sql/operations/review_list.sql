-- What waits for a person, oldest first, each with its seal. Of one job alone the thing itself is shown as it is stored,
-- every digit of it, and what the step had been given. What ended the last page waits since `before_at`, as `before_id`.
select id, job_id, step, pipeline, key, error as reasons, output, cost_usd, coalesce(finished_at, created_at) as since,
       seal(output, input) as revision,
       case when %(job_id)s::text is not null then input end as input,
       case when %(job_id)s::text is not null then jsonb_pretty(coalesce(nullif(output, 'null'), input, 'null')) end as shown
from runs
where status = 'needs_review' and id in (
    select id from runs -- by its index alone
    where status = 'needs_review' and (%(job_id)s::text is null or job_id = %(job_id)s)
      and (%(before_id)s::bigint is null
           or (coalesce(finished_at, created_at), id) > (%(before_at)s::timestamptz, %(before_id)s))
    order by coalesce(finished_at, created_at), id
    limit %(limit)s)
order by coalesce(finished_at, created_at), id
