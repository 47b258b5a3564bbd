-- Who holds a session that has not expired.
select who, role from console_sessions where hash = %(hash)s and expires_at > ledger_now()
