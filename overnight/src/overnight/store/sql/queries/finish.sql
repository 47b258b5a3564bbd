-- Ends attempts: status, output, retry history, next steps, spawned jobs and alerts in one statement, each guarded by
-- (id, attempt, running). A guard that matches nothing is a lost lease: nothing of that attempt is written, and the answer
-- names it; mostly the answer is empty.
-- A spawned job that exists with other inputs refuses the whole statement (OV001). A step that follows takes the output as
-- it was stored, and inherits the priority, the deadline and the expectation of its job. An eager one begins at once, with
-- the same owner, and is in the answer too, with its job. Its worker knows the step, has a place for it, and has no guard
-- for it; whatever else is a condition in claim.sql is asked here in the same words: switches, and a higher priority.
with off as (
    select scope from switches where not enabled
),
ended as (
    select * from unnest(
        %(id)s::bigint[], %(attempt)s::int[], %(status)s::text[], %(outcome)s::text[], %(output)s::text[],
        %(error)s::text[], %(error_class)s::text[], %(detail)s::text[], %(delay)s::float8[], %(failed)s::int[])
        as e (id, attempt, status, outcome, output, error, error_class, detail, delay, failed)
),
finished as (
    update runs r
    set status = e.status,
        outcome = e.outcome,
        output = coalesce(e.output::jsonb, r.output),
        error = e.error,
        error_class = e.error_class,
        failures = r.failures + e.failed,
        due_at = case when e.status = 'queued' then ledger_now() + make_interval(secs => e.delay) else r.due_at end,
        finished_at = case when e.status = 'queued' then null else ledger_now() end,
        lease_until = null,
        worker = null
    from ended e
    where r.id = e.id and r.attempt = e.attempt
      and (r.status = 'running') is true -- so written that the partial index on leases is no candidate: the key is the way
    returning r.id, r.job_id, r.step, r.pipeline, r.attempt, r.status, r.output, r.error, r.started_at, r.due_at, r.priority,
              r.deadline_at, r.expect_at
),
history as (
    insert into attempts (run_id, attempt, outcome, error, error_class, detail, worker, started_at, retry_at)
    select f.id, f.attempt, e.outcome, e.error, e.error_class, e.detail, %(worker)s, f.started_at,
           case when f.status = 'queued' then f.due_at end
    from finished f join ended e on e.id = f.id and e.attempt = f.attempt
    where e.outcome not in ('done', 'no_work')
),
alerted as (
    insert into alerts (kind, subject, text, job_id, count)
    select 'dead_letter', f.pipeline || '/' || f.step, max(f.error), max(f.job_id), count(*)
    from finished f
    where f.status = 'dead'
    group by 2
    order by 2
    on conflict (kind, subject) where resolved_at is null do update
        set text = excluded.text, job_id = excluded.job_id, count = alerts.count + excluded.count, last_at = ledger_now()
),
-- The highest priority that stands in line before any of these jobs.
urgent as (
    select max(r.priority) as priority
    from runs r
    where r.status = 'queued' and r.priority > (select min(priority) from finished) and r.due_at <= ledger_now()
),
next as (
    select distinct on (n.job_id, n.step, n.input_hash)
           n.job_id, n.step, n.pipeline, n.key, coalesce(n.input::jsonb, f.output) as input, n.input_hash,
           ledger_now() + make_interval(secs => n.delay) as due_at, n.parent, n.origin, n.debounce,
           ledger_now() + make_interval(secs => n.at_most) as due_by,
           case when n.job_id = f.job_id then f.priority else n.priority end as priority,
           case when n.job_id = f.job_id then f.deadline_at else ledger_now() + make_interval(secs => n.deadline) end
               as deadline_at,
           case when n.job_id = f.job_id then f.expect_at else ledger_now() + make_interval(secs => n.expect) end
               as expect_at,
           n.eager = 1
           and not exists (select from off where off.scope in ('all', 'pipeline:' || n.pipeline, 'key:' || n.key,
                                                               'step:' || n.pipeline || '/' || n.step))
           and f.priority >= coalesce((select priority from urgent), f.priority) as begins
    from unnest(%(next_parent)s::bigint[], %(next_attempt)s::int[], %(next_job_id)s::text[], %(next_step)s::text[], %(next_pipeline)s::text[],
                %(next_key)s::text[], %(next_input)s::text[], %(next_input_hash)s::text[], %(next_delay)s::float8[],
                %(next_priority)s::int[], %(next_origin)s::text[], %(next_deadline)s::float8[],
                %(next_expect)s::float8[], %(next_debounce)s::text[], %(next_at_most)s::float8[], %(next_eager)s::int[])
         as n (parent, attempt, job_id, step, pipeline, key, input, input_hash, delay, priority, origin, deadline, expect, debounce,
               at_most, eager)
    join finished f on f.id = n.parent and f.attempt = n.attempt
    order by n.job_id, n.step, n.input_hash
),
spawned as (
    insert into runs (job_id, step, pipeline, key, input, input_hash, due_at, parent, origin, debounce, due_by, priority,
                      deadline_at, expect_at, status, attempt, worker, started_at, leased_at,
                      lease_until)
    select n.job_id, n.step, n.pipeline, n.key, n.input, n.input_hash, n.due_at, n.parent, n.origin, n.debounce, n.due_by,
           n.priority, n.deadline_at, n.expect_at, b.*
    from next n
    cross join lateral (
        select 'running', 1, %(worker)s::text, ledger_now(), ledger_now(), ledger_now() + make_interval(secs => %(lease)s) where n.begins
        union all
        select 'queued', 0, null, null, null, null where not n.begins) b
    on conflict (job_id, step) do update set input_hash = excluded.input_hash, pipeline = excluded.pipeline
        where runs.input_hash is distinct from excluded.input_hash or runs.pipeline <> excluded.pipeline
    returning id, job_id, step, pipeline, key, status, attempt, failures,
              case when status = 'running' then input::text end as input,
              extract(epoch from deadline_at - ledger_now())::float8 as time_left
)
select e.id, e.attempt, null as job_id, null as step, null as pipeline, null as key, null::int as failures, null as input,
       null::float8 as time_left
from ended e
where not exists (select from finished f where f.id = e.id and f.attempt = e.attempt)
union all
select id, attempt, job_id, step, pipeline, key, failures, input, time_left from spawned where status = 'running'
