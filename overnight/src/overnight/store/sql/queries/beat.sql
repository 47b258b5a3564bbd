-- Renews the leases of attempts that are still within their time limit, and says which of them are still ours. It waits
-- for no lock: a row that is locked is being finished.
with seen as (
    update workers set seen_at = ledger_now() where boot_id = %(worker)s
),
ours as (
    select r.id from runs r
    where r.id = any(%(ids)s::bigint[]) and r.worker = %(worker)s and (r.status = 'running') is true
),
free as (
    select r.id from runs r join ours using (id) for update of r skip locked
),
renewed as (
    update runs
    set leased_at = ledger_now(), lease_until = ledger_now() + make_interval(secs => %(lease)s)
    from free
    where runs.id = free.id
)
select id from ours
