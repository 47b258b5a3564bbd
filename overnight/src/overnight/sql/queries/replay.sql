-- A dead letter starts again with a fresh count of retries; its history stays.
update runs
set status = 'queued', failures = 0, losses = 0, due_at = ledger_now(), finished_at = null
where status = 'dead' and (%(job_id)s::text is null or job_id = %(job_id)s)
returning id, job_id, step, pipeline, key
