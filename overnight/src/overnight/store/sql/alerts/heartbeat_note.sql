-- What came of a call. One that was not taken is made again in `wait` seconds.
update heartbeats
set line = %(line)s, error = %(error)s, called_at = ledger_now(),
    taken_at = case when %(error)s::text is null then ledger_now() else taken_at end,
    due_at = case when %(error)s::text is null then due_at
                  else least(due_at, ledger_now() + make_interval(secs => %(wait)s)) end
where app = %(app)s
