-- Alerts, those that are open first, the latest first. The alert that ended the last page was open or not, was told last at
-- `before_at` and is called `before_id`.
select id, kind, subject, text, job_id, count, first_at, last_at, resolved_at
from alerts
where (resolved_at is null or %(all)s)
  and (%(before_id)s::bigint is null
       or (resolved_at is not null) > %(before_resolved)s::boolean
       or (resolved_at is not null) = %(before_resolved)s
          and (last_at, id) < (%(before_at)s::timestamptz, %(before_id)s))
order by resolved_at is not null, last_at desc, id desc
limit %(limit)s
