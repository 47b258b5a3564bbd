-- Takes the lock that says "alive" for as long as this session lasts, and signs the list.
with lock as (select pg_advisory_lock(%(lock_key)s))
insert into workers (boot_id, lock_key, host, pid)
select %(worker)s, %(lock_key)s, %(host)s, %(pid)s from lock
on conflict (boot_id) do update set lock_key = excluded.lock_key, seen_at = ledger_now(), missed_at = null, stopped_at = null
