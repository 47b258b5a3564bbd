-- What a breaker is after some attempts, if nobody wrote it since it was read. Its opening is an alert; its closing ends it.
with written as (
    insert into breakers as b (name, key, failures, errors, opened_at, open_until, probe_run, error, version)
    values (%(name)s, %(key)s, %(failures)s, %(errors)s::timestamptz[], %(opened_at)s, %(open_until)s, %(probe_run)s,
            %(error)s, %(version)s + 1)
    on conflict (name) do update
        set failures = excluded.failures, errors = excluded.errors, opened_at = excluded.opened_at,
            open_until = excluded.open_until, probe_run = excluded.probe_run, error = excluded.error,
            version = excluded.version
        where b.version = excluded.version - 1
    returning name, open_until, failures, error
),
raised as (
    insert into alerts (kind, subject, text)
    select 'breaker', name, failures || ' errors in a row; the last: ' || coalesce(error, '') from written
    where %(opens)s
    on conflict (kind, subject) where resolved_at is null do update
        set text = excluded.text, count = alerts.count + 1, last_at = ledger_now()
),
resolved as (
    update alerts set resolved_at = ledger_now() from written
    where alerts.kind = 'breaker' and alerts.subject = written.name and written.open_until is null
      and alerts.resolved_at is null
)
select name from written
