-- Closes the open alerts of a kind whose subjects are well again.
update alerts set resolved_at = ledger_now()
where kind = %(kind)s and resolved_at is null and subject = any(%(subjects)s::text[])
