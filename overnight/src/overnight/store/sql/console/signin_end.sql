-- A person has come back: once, and in time.
delete from console_signins where hash = %(hash)s and expires_at > ledger_now() returning next_path
