-- Gives back what dead owners held. A worker is dead when its advisory lock is free at two looks at least `settle` seconds
-- apart: after a restart of Postgres, or of its backends, every lock is free for the moment that live workers take to
-- sign in again. The lease is the backstop for what closes no socket; it is judged only by who has long been beating, for
-- after an outage of the database everybody's leases have run out. A worker's own row may be among the lost: one that it
-- claimed and was never told of. Where the clock has stepped back, what was noted in the future counts from now: a lease
-- runs for its length again, a missing worker is looked at again. A row that no pipeline owns, or that lost too many
-- owners, becomes a dead letter, with an alert. Answers with one row per rescued run; one per worker that is missing and
-- may yet sign in again; one for the neighbour, the next living worker in the ring of boot ids; and one that says when the
-- next lease of somebody else runs out. `again`: seconds until there is a reason to look again.
with missing as (
    select w.boot_id, w.missed_at < ledger_now() - make_interval(secs => %(settle)s) as gone
    from workers w
    where w.stopped_at is null
      and w.boot_id <> %(worker)s
      and not exists (
          select from pg_locks l
          where l.locktype = 'advisory' and l.objsubid = 1 and l.mode = 'ExclusiveLock' and l.granted
            and l.database = (select oid from pg_database where datname = current_database())
            and (l.classid::bigint << 32 | l.objid::bigint) = w.lock_key)
),
noted as (
    update workers w
    set missed_at = least(w.missed_at, ledger_now()),
        stopped_at = case when m.gone then ledger_now() end
    from missing m
    where w.boot_id = m.boot_id and (m.gone or w.missed_at is null or w.missed_at > ledger_now())
),
lost as (
    select r.id, r.attempt, r.worker, r.started_at,
           r.pipeline = '' or r.losses + 1 >= %(max_losses)s as gives_up
    from runs r
    where r.status = 'running'
      and (r.worker in (select boot_id from missing where gone)
           or %(judges_leases)s and r.lease_until < ledger_now())
    for update skip locked
),
clock_stepped_back as (
    update runs r
    set leased_at = ledger_now(), lease_until = ledger_now() + (r.lease_until - r.leased_at)
    from (
        select c.id from runs c
        where c.status = 'running' and c.leased_at > ledger_now() and c.id not in (select id from lost)
        for update of c skip locked) ahead
    where r.id = ahead.id
),
rescued as (
    update runs
    set status = case when lost.gives_up then 'dead' else 'queued' end,
        outcome = 'lost',
        losses = runs.losses + 1,
        error = 'the worker that ran this step died or lost its lease (attempt ' || runs.attempt || ')',
        error_class = 'lost',
        due_at = ledger_now(),
        finished_at = case when lost.gives_up then ledger_now() end,
        lease_until = null,
        worker = null
    from lost
    where runs.id = lost.id
    returning runs.id, runs.job_id, runs.step, runs.pipeline, runs.key, runs.attempt, runs.status, runs.error
),
raised as (
    select raise_alert('dead_letter', d.subject, d.text, d.job_id, d.count) as alert
    from (select r.pipeline || '/' || r.step as subject, max(r.error) as text, max(r.job_id) as job_id, count(*)::int as count
          from rescued r
          where r.status = 'dead'
          group by 1
          order by 1) d
),
history as (
    insert into attempts (run_id, attempt, outcome, error, error_class, worker, started_at)
    select r.id, r.attempt, 'lost', r.error, 'lost', lost.worker, lost.started_at
    from rescued r join lost on lost.id = r.id
    on conflict (run_id, attempt) do nothing
),
settled as (
    select settle_waits(null, null, null, j.jobs) as jobs
    from (select array_agg(distinct r.job_id) as jobs
          from rescued r
          where r.status = 'dead' and exists (select from wait_jobs j where j.job_id = r.job_id and not j.ended)) j
    where j.jobs is not null
)
select 'rescued' as what, id, job_id, step, pipeline, key, attempt, status, error, null::bigint as lock_key,
       null::float8 as again
from rescued
union all
-- No row: a function is called where its rows are asked for.
select 'raised', null, null, null, null, null, null, null, null, null, null from raised where alert is null
union all
select 'settled', null, null, null, null, null, null, null, null, null, null from settled where jobs is null
union all
select 'missing', null, null, null, null, null, null, null, null, null, %(settle)s::float8
from missing
where not coalesce(gone, false)
union all
(select 'neighbour', null, null, null, null, null, null, null, null, w.lock_key, null
 from workers w
 where w.stopped_at is null and w.boot_id <> %(worker)s and w.boot_id not in (select boot_id from missing)
 order by w.boot_id > %(worker)s desc, w.boot_id
 limit 1)
union all
select 'lease', null, null, null, null, null, null, null, null, null,
       extract(epoch from min(r.lease_until - case when r.leased_at > ledger_now() then r.leased_at else ledger_now() end))::float8
from runs r
where r.status = 'running' and r.id not in (select id from lost)
