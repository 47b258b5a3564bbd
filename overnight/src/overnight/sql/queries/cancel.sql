update runs
set status = 'cancelled', outcome = 'cancel', error = %(reason)s, finished_at = ledger_now()
where job_id = %(job_id)s and status in ('queued', 'dead')
returning id, job_id, step, pipeline, key
