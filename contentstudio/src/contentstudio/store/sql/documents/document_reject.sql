-- Keeps that a person does not want a job's article. What is published was wanted, and stays so.
update documents set kind = 'rejected', reason = %(reason)s, updated_at = ledger_now()
where job_id = %(job_id)s and kind in ('chosen', 'queued', 'rejected')
returning slug
