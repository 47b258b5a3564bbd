-- Notes what waits and who works, once in five minutes: whoever comes first counts, for the count is not cheap. What a
-- switch holds waits on purpose, and is not counted.
with moment as (
    select ledger_now() as now, span_of(ledger_now(), 300) as at
),
backlog as (
    select coalesce(sum(g.due), 0) as due, min(g.first_due) as first_due
    from moment m
    cross join lateral (
        select r.pipeline, r.key, r.step, count(*) as due, min(r.due_at) as first_due
        from runs r
        where r.status = 'queued' and r.due_at <= m.now
        group by r.pipeline, r.key, r.step) g
    where not exists (select from queue_signals q where q.span = 300 and q.at = m.at)
      and switched_off(g.pipeline, g.key, g.step) is null
),
sample as (
    insert into queue_signals (span, at, due, oldest_due_seconds, running, workers)
    select 300, m.at, b.due, coalesce(extract(epoch from m.now - b.first_due), 0),
           (select count(*) from runs where status = 'running'),
           (select count(*) from workers where stopped_at is null and missed_at is null)
    from moment m cross join backlog b
    where not exists (select from queue_signals q where q.span = 300 and q.at = m.at)
    on conflict do nothing
    returning *
)
insert into queue_signals as s (span, at, due, oldest_due_seconds, running, workers)
select n.span, span_of(a.at, n.span), a.due, a.oldest_due_seconds, a.running, a.workers
from sample a cross join unnest(%(spans)s::int[]) n (span)
where n.span > 300
on conflict (span, at) do update
    set due = greatest(s.due, excluded.due), running = greatest(s.running, excluded.running),
        oldest_due_seconds = greatest(s.oldest_due_seconds, excluded.oldest_due_seconds),
        workers = least(s.workers, excluded.workers)
