-- A person says that the upstream is well: the breaker closes at once, and the deed is written down with it.
with closed as (
    update breakers
    set failures = 0, errors = '{}', opened_at = null, open_until = null, probe_run = null, version = version + 1
    where name = %(name)s and (open_until is not null or failures > 0)
    returning name
),
noted as (
    insert into actions (verb, target, reason, by) select 'close', name, %(reason)s, %(by)s from closed
),
resolved as (
    update alerts set resolved_at = ledger_now() from closed
    where alerts.kind = 'breaker' and alerts.subject = closed.name and alerts.resolved_at is null
)
select name from closed
