-- Notes a message and begins its jobs, all or nothing. No row: one with the sender's key is there already, and begins
-- nothing again. The jobs are inserted as in enqueue.sql: an existing one with other inputs refuses the whole statement.
with message as (
    insert into messages (source, key, sha256, status, target, bare, jobs)
    values (%(source)s, %(message_key)s, %(sha256)s, 'accepted', %(target)s, %(bare)s, %(job_id)s::text[])
    on conflict (source, key) do nothing
    returning id
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
)
select id from message
