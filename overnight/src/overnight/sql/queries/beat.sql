-- Renews the leases of attempts that are still within their time limit, and says which of them are still ours.
with seen as (
    update workers set seen_at = ledger_now() where boot_id = %(worker)s
)
update runs set lease_until = ledger_now() + make_interval(secs => %(lease)s)
where id = any(%(ids)s::bigint[]) and worker = %(worker)s and status = 'running'
returning id
