-- A dead letter starts again with a fresh count of retries; its history stays. So does a run whose outside write nobody
-- could know: whoever replays it has looked, so its intent is forgotten.
with replayed as (
    update runs
    set status = 'queued', failures = 0, losses = 0, due_at = ledger_now(), finished_at = null
    where pipeline <> ''
      and (status = 'dead' or status = 'needs_review' and error_class = 'unknown_outcome' and job_id = %(job_id)s)
      and (%(job_id)s::text is null or job_id = %(job_id)s)
    returning id, job_id, step, pipeline, key
),
forgotten as (
    delete from effects using replayed r where effects.run_id = r.id and effects.status = 'intended'
)
select id, job_id, step, pipeline, key from replayed
