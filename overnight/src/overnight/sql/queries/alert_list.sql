select id, kind, subject, text, job_id, count, first_at, last_at, resolved_at
from alerts
where resolved_at is null or %(all)s
order by resolved_at is not null, last_at desc
limit %(limit)s
