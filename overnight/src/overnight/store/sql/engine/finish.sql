-- Ends attempts: status, output, retry history, next steps, spawned jobs and alerts in one statement, each guarded by
-- (id, attempt, running). A guard that matches nothing is a lost lease: nothing of that attempt is written, and the answer
-- names it; mostly the answer is empty.
-- A spawned job that exists with other inputs refuses the whole statement (OV001). A step that follows takes the output as
-- it was stored, and inherits the priority, the deadline and the expectation of its job. An eager one begins at once, with
-- the same owner, and is in the answer too, with its job. Its worker knows the step, has a place for it, and has no guard
-- for it; whatever else is a condition in claim.sql is asked here in the same words: switches, and a higher priority.
-- Runs that wait are told last: `waits` and `events` are null but for attempts that begin a wait or emit what others wait
-- for, and no job is looked up while no join misses any.
with ended as (
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
raised as (
    select raise_alert('dead_letter', d.subject, d.text, d.job_id, d.count) as alert
    from (select f.pipeline || '/' || f.step as subject, max(f.error) as text, max(f.job_id) as job_id, count(*)::int as count
          from finished f
          where f.status = 'dead'
          group by 1
          order by 1) d
),
-- The highest priority that stands in line before any of these jobs.
urgent as (
    select max(r.priority) as priority
    from runs r
    where r.status = 'queued' and r.priority > (select min(priority) from finished) and r.due_at <= ledger_now()
),
next as (
    select array_agg(row(
               n.job_id, n.step, n.pipeline, n.key, coalesce(n.input::jsonb, f.output), n.input_hash,
               case when follows then f.priority else n.priority end, n.delay, n.at_most,
               case when not follows then n.deadline end, case when not follows then n.expect end,
               n.origin, n.debounce, n.parent,
               case when follows then f.deadline_at end, case when follows then f.expect_at end,
               case when n.eager = 1
                         and not exists (select from switches_off(n.pipeline, n.key, n.step))
                         and f.priority >= coalesce((select priority from urgent), f.priority)
                    then %(worker)s::text end)::new_run) as runs
    from unnest(%(next_parent)s::bigint[], %(next_attempt)s::int[], %(next_job_id)s::text[], %(next_step)s::text[],
                %(next_pipeline)s::text[], %(next_key)s::text[], %(next_input)s::text[], %(next_input_hash)s::text[],
                %(next_delay)s::float8[], %(next_priority)s::int[], %(next_origin)s::text[], %(next_deadline)s::float8[],
                %(next_expect)s::float8[], %(next_debounce)s::text[], %(next_at_most)s::float8[], %(next_eager)s::int[])
         as n (parent, attempt, job_id, step, pipeline, key, input, input_hash, delay, priority, origin, deadline, expect,
               debounce, at_most, eager)
    join finished f on f.id = n.parent and f.attempt = n.attempt
    cross join lateral (select n.job_id = f.job_id as follows) same
    having count(*) > 0
),
started as (
    select b.*
    from next n
    cross join lateral begin_runs(n.runs, %(lease)s) b
),
settled as (
    select settle_waits(w.waits, case when w.waits is not null then (select array_agg(job_id) from started) end,
                        m.events, e.jobs) as jobs
    from (select count(*) from started) as begun -- all of them, before what has ended is judged
    cross join (select jsonb_agg(n.wait || jsonb_build_object('run_id', s.id)) as waits
                from jsonb_array_elements(%(waits)s::jsonb) as n (wait)
                join started s on s.job_id = n.wait ->> 'job_id' and s.step = n.wait ->> 'step') w
    cross join (select jsonb_agg(n.event) as events
                from jsonb_array_elements(%(events)s::jsonb) as n (event)
                join finished f on f.id = (n.event ->> 'parent')::bigint and f.attempt = (n.event ->> 'attempt')::int) m
    cross join (select array_agg(distinct f.job_id) as jobs
                from finished f
                where f.status in ('succeeded', 'cancelled', 'dead')
                  and (select true from wait_jobs where not ended limit 1)
                  and exists (select from wait_jobs j where j.job_id = f.job_id and not j.ended)
                  and not exists (select from started s where s.job_id = f.job_id)) e
    where w.waits is not null or m.events is not null or e.jobs is not null
)
-- Postgres calls a function whose rows are asked for: so the answer asks for those of these.
select e.id, e.attempt, null as job_id, null as step, null as pipeline, null as key, null::int as failures, null as input,
       null::float8 as time_left
from ended e
where not exists (select from finished f where f.id = e.id and f.attempt = e.attempt)
union all
select id, attempt, job_id, step, pipeline, key, failures, input, time_left from started where attempt = 1
union all
select null, null, null, null, null, null, null, null, null from raised where alert is null
union all
select null, null, null, null, null, null, null, null, null from settled where jobs is null
