-- How much is past its time, as prune.sql takes it: jobs to empty, jobs to delete (most of them are emptied before), and
-- other rows. Reads whatever is old: for a person, not for a tick.
with past as (
    select ledger_now() - max(payloads) as payloads, ledger_now() - max(ids) as ids
    from (select payloads, ids from keeps where app <> %(app)s
          union all
          select make_interval(secs => 86400 * %(payloads)s::float8), make_interval(secs => 86400 * %(ids)s::float8)) k
),
jobs as (
    select bool_or(r.emptied_at is null) as is_full, max(r.finished_at) as ended_at
    from runs r
    where r.job_id in (select e.job_id from runs e
                       where e.status in ('succeeded', 'cancelled') and e.finished_at < (select payloads from past))
    group by r.job_id
    having bool_and(r.status in ('succeeded', 'cancelled') and r.finished_at is not null)
)
select (select count(*) from jobs where is_full and ended_at < past.payloads) as emptied,
       (select count(*) from jobs where ended_at < past.ids) as gone,
       (select count(*) from messages m
        where m.status in ('replayed', 'dropped') and m.body is not null and m.settled_at < past.payloads)
       + (select count(*) from messages m
          where m.status <> 'dead' and coalesce(m.settled_at, m.received_at) < past.ids
            and not exists (select from runs r where r.job_id = any(m.jobs)))
       + (select count(*) from slots l
          where l.slot < past.ids and l.at < past.ids and not exists (select from runs r where r.job_id = l.job_id))
       + (select count(*) from alerts a where a.resolved_at < past.ids)
       + (select count(*) from actions a
          where a.at < past.ids and not exists (select from runs r where r.job_id = a.target))
       + (select count(*) from workers w where w.stopped_at < past.ids) as others
from past
