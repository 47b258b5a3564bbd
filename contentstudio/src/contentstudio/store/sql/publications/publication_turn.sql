-- One at a time for a slug, over all workers. The lock goes with its session, however that ends.
select pg_try_advisory_lock(%(room)s::int, hashtext(%(site)s::text || ' ' || %(slug)s::text)) as mine
