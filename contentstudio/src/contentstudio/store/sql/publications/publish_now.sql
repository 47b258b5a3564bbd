-- A person wants the text of a job published that waits for its day, its window, a last edit or another try: it is due at
-- once. The audit log keeps the wish, and the step reads it there (publish_terms.sql).
with released as (
    update runs set due_at = least(due_at, ledger_now())
    where job_id = %(job_id)s and pipeline = 'article' and step in ('confirm', 'publish') and status = 'queued'
    returning job_id, step
),
noted as (
    insert into actions (verb, target, step, reason, by)
    select 'publish', job_id, step, %(reason)s, %(by)s from released
)
select step from released
