update publications set existing = %(existing)s::jsonb, at = ledger_now() where site = %(site)s and slug = %(slug)s
