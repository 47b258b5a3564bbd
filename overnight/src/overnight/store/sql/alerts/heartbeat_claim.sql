-- Takes the call of an app's heartbeat: when it is due, at once when it says something else than the last one did, or
-- `early`. Of all workers that ask, one has it. No row: another one has it, or it is not due.
insert into heartbeats as h (app, signal, due_at)
values (%(app)s, %(signal)s, ledger_now() + make_interval(secs => %(every)s))
on conflict (app) do update
    set signal = excluded.signal, due_at = excluded.due_at
    where h.due_at <= ledger_now() or h.signal <> excluded.signal or %(early)s
returning app
