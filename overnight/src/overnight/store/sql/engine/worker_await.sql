-- Comes back when the worker that holds this lock is gone. Taken and let go again: it is only a way of waiting.
select pg_advisory_lock_shared(%(lock_key)s), pg_advisory_unlock_shared(%(lock_key)s)
