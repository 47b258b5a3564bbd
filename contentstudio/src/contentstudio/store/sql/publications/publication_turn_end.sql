select pg_advisory_unlock(%(room)s::int, hashtext(%(site)s::text || ' ' || %(slug)s::text))
