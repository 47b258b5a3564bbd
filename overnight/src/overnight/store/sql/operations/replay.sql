-- Dead letters start again with a fresh count of retries; their history stays, and so do their intents of outside writes,
-- so that the other side is asked first. The run of a named job whose outside write nobody could know starts again too:
-- whoever replays that one has looked, so its intent is forgotten. So does one whose answers did not fit. Whoever replays wants it now, whatever the deadline was.
-- Locked in one order, for two may replay at once.
with chosen as (
    select id, status, error_class
    from runs
    where pipeline <> ''
      and (id = any(%(ids)s::bigint[]) and status = 'dead'
           or job_id = %(job_id)s and status = 'needs_review' and error_class in ('unknown_outcome', 'unfit'))
    order by id
    for update
),
replayed as (
    update runs r
    set status = 'queued', failures = 0, losses = 0, due_at = ledger_now(), finished_at = null,
        deadline_at = null, expect_at = null
    from chosen c
    where r.id = c.id
    returning r.id, r.job_id, r.step, r.pipeline, r.key, c.error_class
),
noted as (
    insert into actions (verb, target, step, reason, by)
    select 'replay', job_id, step, %(reason)s, %(by)s from replayed order by id
),
forgotten as (
    delete from effects using replayed r
    where effects.run_id = r.id and effects.status = 'intended' and r.error_class = 'unknown_outcome'
)
select id, job_id, step, pipeline, key from replayed order by id
