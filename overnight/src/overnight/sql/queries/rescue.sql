-- Gives back what dead owners held: a worker is dead when its advisory lock is free; the lease is the backstop for what
-- closes no socket. Just after Postgres itself came back every lock is free, so for a moment only leases count.
-- A row that no pipeline owns, or that lost too many owners, becomes a dead letter.
with gone as (
    select w.boot_id from workers w
    where w.boot_id <> %(worker)s
      and pg_postmaster_start_time() < clock_timestamp() - make_interval(secs => %(settle)s)
      and not exists (
          select from pg_locks l
          where l.locktype = 'advisory' and l.objsubid = 1
            and l.database = (select oid from pg_database where datname = current_database())
            and (l.classid::bigint << 32 | l.objid::bigint) = w.lock_key)
),
lost as (
    select r.id, r.attempt, r.worker, r.started_at,
           r.pipeline = '' or r.losses + 1 >= %(max_losses)s as hopeless
    from runs r
    where r.status = 'running'
      and (r.lease_until < ledger_now() or r.worker in (select boot_id from gone))
    for update skip locked
),
rescued as (
    update runs
    set status = case when lost.hopeless then 'dead' else 'queued' end,
        outcome = 'lost',
        losses = runs.losses + 1,
        error = 'the worker that ran this step died or lost its lease (attempt ' || runs.attempt || ')',
        error_class = 'lost',
        due_at = ledger_now(),
        finished_at = case when lost.hopeless then ledger_now() end,
        lease_until = null,
        worker = null
    from lost
    where runs.id = lost.id
    returning runs.id, runs.job_id, runs.step, runs.pipeline, runs.key, runs.attempt, runs.status, runs.error
),
history as (
    insert into attempts (run_id, attempt, outcome, error, error_class, worker, started_at)
    select r.id, r.attempt, 'lost', r.error, 'lost', lost.worker, lost.started_at
    from rescued r join lost on lost.id = r.id
    on conflict (run_id, attempt) do nothing
),
forgotten as (
    update workers set stopped_at = ledger_now()
    where boot_id in (select boot_id from gone) and stopped_at is null
)
select * from rescued
