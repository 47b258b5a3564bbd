-- What a breaker is after some attempts, if nobody wrote it since it was read. Its opening is an alert; its closing ends it,
-- and says how long it was open and how many runs of the `steps` behind it waited.
with written as (
    insert into breakers as b (name, key, failures, errors, opened_at, open_until, probe_run, error, version)
    values (%(name)s, %(key)s, %(failures)s, %(errors)s::timestamptz[], %(opened_at)s, %(open_until)s, %(probe_run)s,
            %(error)s, %(version)s + 1)
    on conflict (name) do update
        set failures = excluded.failures, errors = excluded.errors, opened_at = excluded.opened_at,
            open_until = excluded.open_until, probe_run = excluded.probe_run, error = excluded.error,
            version = excluded.version
        where b.version = excluded.version - 1
    returning name, key, open_until, failures, error
),
resolved as (
    update alerts
    set resolved_at = ledger_now(),
        text = 'it was open for ' || ceil(extract(epoch from ledger_now() - first_at) / 60) || ' min'
           || coalesce((select ', and ' || count(*) || case when count(*) = 10000 then ' runs or more' else ' runs' end || ' waited for it'
                        from (select from runs r
                              where r.status = 'queued' and r.due_at <= ledger_now() and (written.key = '' or r.key = written.key)
                                and r.pipeline || '/' || r.step = any(%(steps)s::text[])
                              limit 10000) w
                        having cardinality(%(steps)s::text[]) > 0), '')
           || '; ' || text
    from written
    where alerts.kind = 'breaker' and alerts.subject = written.name and written.open_until is null
      and alerts.resolved_at is null
)
select name,
       case when %(opens)s then raise_alert(
           'breaker', name, failures || ' errors in a row, so what needs it waits; the last: ' || coalesce(error, '')) end as alert
from written
