-- Ends what of a job is queued or dead.
with cancelled as (
    update runs
    set status = 'cancelled', outcome = 'cancel', error = %(reason)s, finished_at = ledger_now()
    where job_id = %(job_id)s and status in ('queued', 'dead')
    returning id, job_id, step, pipeline, key
),
noted as (
    insert into actions (verb, target, step, reason, by)
    select 'cancel', job_id, step, %(reason)s, %(by)s from cancelled
)
select id, job_id, step, pipeline, key from cancelled
