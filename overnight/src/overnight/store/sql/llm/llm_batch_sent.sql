-- The provider has the batch. No row: it was given up meanwhile, and its calls with it.
update llm_batches
set batch = %(batch)s, status = 'sent', look_at = ledger_now() + make_interval(secs => %(pause)s)
where id = %(id)s and status = 'sending'
returning id
