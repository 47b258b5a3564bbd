-- Gives back what dead owners held. A worker is dead when its advisory lock is free at two looks at least `settle` seconds
-- apart: after a restart of Postgres, or of its backends, every lock is free for the moment that live workers take to
-- sign in again. The lease is the backstop for what closes no socket. A row that no pipeline owns, or that lost too many
-- owners, becomes a dead letter. The answer also names the workers that were missed for the first time.
with missing as (
    select w.boot_id, w.missed_at < ledger_now() - make_interval(secs => %(settle)s) as gone
    from workers w
    where w.stopped_at is null
      and w.boot_id <> %(worker)s
      and not exists (
          select from pg_locks l
          where l.locktype = 'advisory' and l.objsubid = 1
            and l.database = (select oid from pg_database where datname = current_database())
            and (l.classid::bigint << 32 | l.objid::bigint) = w.lock_key)
),
noted as (
    update workers w
    set missed_at = coalesce(w.missed_at, ledger_now()),
        stopped_at = case when m.gone then ledger_now() end
    from missing m
    where w.boot_id = m.boot_id and (m.gone or w.missed_at is null)
),
lost as (
    select r.id, r.attempt, r.worker, r.started_at,
           r.pipeline = '' or r.losses + 1 >= %(max_losses)s as hopeless
    from runs r
    where r.status = 'running'
      and (r.lease_until < ledger_now() or r.worker in (select boot_id from missing where gone))
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
)
select id, job_id, step, pipeline, key, attempt, status, error, null as missing from rescued
union all
select null, null, null, null, null, null, null, null, boot_id from missing where not coalesce(gone, false)
