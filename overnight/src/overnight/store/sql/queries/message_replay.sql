-- A dead letter that can be read now begins its jobs, once: whoever comes second finds it dead no more, and no row. The
-- alert about such letters is closed with the last of them. The jobs are inserted as in enqueue.sql.
with message as (
    update messages set status = 'replayed', jobs = %(job_id)s::text[], settled_at = ledger_now()
    where id = %(id)s and status = 'dead'
    returning id, source, target
),
begun as (
    insert into runs (job_id, step, pipeline, key, input, input_hash, due_at, lease_until, priority, origin, debounce,
                      due_by, deadline_at, expect_at)
    select distinct on (n.job_id, n.step, n.input_hash)
           n.job_id, n.step, n.pipeline, n.key, n.input::jsonb, n.input_hash,
           ledger_now() + make_interval(secs => n.delay), null, n.priority, n.origin, n.debounce,
           ledger_now() + make_interval(secs => n.at_most), ledger_now() + make_interval(secs => n.deadline),
           ledger_now() + make_interval(secs => n.expect)
    from message
    cross join unnest(%(job_id)s::text[], %(step)s::text[], %(pipeline)s::text[], %(key)s::text[], %(input)s::text[],
                      %(input_hash)s::text[], %(delay)s::float8[], %(priority)s::int[], %(origin)s::text[],
                      %(deadline)s::float8[], %(expect)s::float8[], %(debounce)s::text[], %(at_most)s::float8[])
         as n (job_id, step, pipeline, key, input, input_hash, delay, priority, origin, deadline, expect, debounce,
               at_most)
    order by n.job_id, n.step, n.input_hash
    on conflict (job_id, step) do update set input_hash = excluded.input_hash, pipeline = excluded.pipeline
        where runs.input_hash is distinct from excluded.input_hash or runs.pipeline <> excluded.pipeline
),
noted as (
    insert into actions (verb, target, reason, seen, by)
    select 'replay', 'm' || m.id, %(reason)s, %(sha256)s, %(by)s from message m
),
closed as (
    update alerts a set resolved_at = ledger_now()
    from message m
    where a.kind = 'dead_letter' and a.subject = m.source || '/' || m.target and a.resolved_at is null
      and not exists (select from messages o
                      where o.status = 'dead' and o.source = m.source and o.target = m.target and o.id <> m.id)
)
select id from message
