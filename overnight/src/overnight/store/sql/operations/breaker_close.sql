-- A person says that the upstream is well: the breaker closes at once, and the deed is written down with it.
-- Its alert ends, and says how long it was open and how many runs of the `steps` behind it waited.
with closed as (
    update breakers
    set failures = 0, errors = '{}', opened_at = null, open_until = null, probe_run = null, version = version + 1
    where name = %(name)s and (open_until is not null or failures > 0)
    returning name, key
),
noted as (
    insert into actions (verb, target, reason, by) select 'close', name, %(reason)s, %(by)s from closed
),
resolved as (
    update alerts
    set resolved_at = ledger_now(),
        text = %(by)s || ' closed it; it was open for ' || ceil(extract(epoch from ledger_now() - first_at) / 60) || ' min'
           || coalesce((select ', and ' || count(*) || case when count(*) = 10000 then ' runs or more' else ' runs' end || ' waited for it'
                        from (select from runs r
                              where r.status = 'queued' and r.due_at <= ledger_now() and (closed.key = '' or r.key = closed.key)
                                and r.pipeline || '/' || r.step = any(%(steps)s::text[])
                              limit 10000) w
                        having cardinality(%(steps)s::text[]) > 0), '')
           || '; ' || text
    from closed
    where alerts.kind = 'breaker' and alerts.subject = closed.name and alerts.resolved_at is null
)
select name from closed
