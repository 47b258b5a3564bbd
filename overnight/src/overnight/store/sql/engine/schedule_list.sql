-- The schedules in use, of an app or of all: how the last slot ended, how many were missed since a moment, and of the
-- latest fired slots how many jobs have ended, and how many of those found nothing to do.
select s.app, s.pipeline, s.cron, s.timezone, s.catch_up, extract(epoch from s.grace)::float8 as grace_seconds, s.last_slot,
       last.slot, last.status, last.note, last.job_id, missed.count as missed, found.ended, found.nothing,
       ledger_now() as now
from schedules s
left join lateral (
    select l.slot, l.status, l.note, l.job_id from slots l
    where (l.app, l.pipeline, l.cron, l.timezone) = (s.app, s.pipeline, s.cron, s.timezone)
    order by l.slot desc
    limit 1) last on true
cross join lateral (
    select coalesce(sum(l.count), 0)::int as count from slots l
    where (l.app, l.pipeline, l.cron, l.timezone) = (s.app, s.pipeline, s.cron, s.timezone)
      and l.status <> 'fired' and l.slot > ledger_now() - make_interval(secs => %(missed_within)s)) missed
cross join lateral (
    select count(*) filter (where job.ended)::int as ended, count(*) filter (where job.ended and job.nothing)::int as nothing
    from (select l.job_id from slots l
          where (l.app, l.pipeline, l.cron, l.timezone) = (s.app, s.pipeline, s.cron, s.timezone) and l.status = 'fired'
          order by l.slot desc
          limit %(judged)s) f
    cross join lateral (
        select bool_and(r.status not in ('queued', 'running')) as ended, bool_or(r.outcome = 'no_work') as nothing
        from runs r
        where r.job_id = f.job_id) job) found
where s.retired_at is null and (%(app)s::text is null or s.app = %(app)s)
order by s.app, s.pipeline, s.cron, s.timezone
