-- Ends queued runs of a step and a key, so many at once. Who calls this knows that no worker of the app would take them.
with chosen as (
    select id from runs
    where status = 'queued' and pipeline || '/' || step = %(work)s and key = %(key)s
    order by id
    limit %(limit)s
    for update skip locked
),
cancelled as (
    update runs r
    set status = 'cancelled', outcome = 'cancel', error = %(reason)s, finished_at = ledger_now()
    from chosen c
    where r.id = c.id
    returning r.id, r.job_id, r.step
),
noted as (
    insert into actions (verb, target, step, reason, by)
    select 'cancel', job_id, step, %(reason)s, %(by)s from cancelled order by id
)
select count(*)::int as count from cancelled
