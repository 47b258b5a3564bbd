-- Ends dead letters. Locked in one order, for two may drop or replay at once.
with chosen as (
    select id from runs where id = any(%(ids)s::bigint[]) and status = 'dead' order by id for update
),
dropped as (
    update runs r
    set status = 'cancelled', outcome = 'cancel', error = %(reason)s, finished_at = ledger_now()
    from chosen c
    where r.id = c.id
    returning r.id, r.job_id, r.step, r.pipeline, r.key
),
noted as (
    insert into actions (verb, target, step, reason, by)
    select 'discard', job_id, step, %(reason)s, %(by)s from dropped order by id
)
select id, job_id, step, pipeline, key from dropped order by id
