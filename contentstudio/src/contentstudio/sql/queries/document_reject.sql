-- Keeps that a person does not want an article. What is published was wanted, and stays so.
update documents set kind = 'rejected', reason = %(reason)s, updated_at = ledger_now()
where site = %(site)s and slug = %(slug)s and kind in ('chosen', 'queued', 'rejected')
returning slug
