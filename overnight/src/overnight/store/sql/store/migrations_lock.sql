-- Whether this session may migrate. Whoever may not asks again: a statement that waited for the lock would hold a snapshot,
-- and an index that is made concurrently waits for every older snapshot.
select pg_try_advisory_lock(%(lock_key)s) as mine
