-- A try that failed: why, and in how many seconds the next one is. Nothing where another sender has taken it since.
update deliveries
set error = %(error)s, taken_at = null, due_at = ledger_now() + make_interval(secs => %(wait)s)
where id = %(id)s and attempts = %(attempts)s and sent_at is null
