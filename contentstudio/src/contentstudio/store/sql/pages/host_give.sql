-- Gives the turn back: the next one begins after the pause. Who held it too long gives nothing back.
update hosts set free_at = ledger_now() + make_interval(secs => %(pause)s) where host = %(host)s and holder = %(holder)s
