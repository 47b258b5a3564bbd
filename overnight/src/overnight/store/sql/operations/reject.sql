-- What was reviewed ends here: only while it is what the person saw.
with rejected as (
    update runs
    set status = 'cancelled', outcome = 'cancel', error = %(reason)s, finished_at = ledger_now()
    where id = %(id)s and status = 'needs_review' and starts_with(seal(output, input), %(revision)s)
    returning id, job_id, step, pipeline, key, seal(output, input) as revision
),
noted as (
    insert into actions (verb, target, step, reason, seen, by)
    select 'reject', job_id, step, %(reason)s, revision, %(by)s from rejected
)
select id, job_id, step, pipeline, key from rejected
