-- Renews the leases of attempts that are still within their time limit, and returns those that this worker still owns.
-- Invariant: only the owner renews a lease. It waits for no lock: a row that is locked is being finished.
with signed as (
    update workers set seen_at = ledger_now() where boot_id = %(worker)s
),
owned as (
    select r.id from runs r
    where r.id = any(%(ids)s::bigint[]) and r.worker = %(worker)s and (r.status = 'running') is true
),
unlocked as (
    select r.id from runs r join owned using (id) for update of r skip locked
),
renewed as (
    update runs
    set leased_at = ledger_now(), lease_until = ledger_now() + make_interval(secs => %(lease)s)
    from unlocked
    where runs.id = unlocked.id
)
select id from owned
