-- Keeps open the alerts of what the tables tell as it stands, and resolves the others of these kinds: switches that are off,
-- what waits for review, and workers that died within a day and that no later one on the same host has replaced.
with current as (
    select 'switch' as kind, scope as subject, 1 as count,
           'switched off by ' || coalesce(nullif(changed_by, ''), 'somebody') || coalesce(': ' || nullif(reason, ''), '') as text
    from switches
    where not enabled
    union all
    select 'review', pipeline || '/' || step, count(*)::int, count(*) || ' wait for you, the oldest since '
           || to_char(min(coalesce(finished_at, created_at)) at time zone 'utc', 'YYYY-MM-DD HH24:MI') || ' UTC'
    from runs
    where status = 'needs_review'
    group by 2
    union all
    select 'worker_lost', w.host, count(*)::int,
           'a worker died (process ' || max(w.pid) || '); what it held was given back: does another one run there?'
    from workers w
    where w.missed_at is not null and w.stopped_at > ledger_now() - interval '1 day'
      and not exists (select from workers o where o.host = w.host and o.started_at > w.started_at and o.missed_at is null)
    group by 2
),
resolved as (
    update alerts set resolved_at = ledger_now()
    where resolved_at is null and kind in ('switch', 'review', 'worker_lost')
      and (kind, subject) not in (select kind, subject from current)
)
select raise_alert(f.kind, f.subject, f.text, total => f.count, news_only => true) as alert
from (select * from current order by kind, subject) f
