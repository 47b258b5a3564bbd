-- Inserts runs that do not exist yet. An existing one with the same inputs is left as it is; with other inputs
-- the guard of `runs` refuses the whole statement (OV001); two of them in one call are refused by Postgres itself.
-- Sorted, so that two callers lock in the same order.
insert into runs (job_id, step, pipeline, key, input, input_hash, due_at, lease_until, priority, origin, debounce,
                  due_by, deadline_at, expect_at)
select distinct on (n.job_id, n.step, n.input_hash)
       n.job_id, n.step, n.pipeline, n.key, n.input::jsonb, n.input_hash,
       ledger_now() + make_interval(secs => n.delay), null, n.priority, n.origin, n.debounce,
       ledger_now() + make_interval(secs => n.at_most), ledger_now() + make_interval(secs => n.deadline),
       ledger_now() + make_interval(secs => n.expect)
from unnest(%(job_id)s::text[], %(step)s::text[], %(pipeline)s::text[], %(key)s::text[], %(input)s::text[],
            %(input_hash)s::text[], %(delay)s::float8[], %(priority)s::int[], %(origin)s::text[], %(deadline)s::float8[],
            %(expect)s::float8[], %(debounce)s::text[], %(at_most)s::float8[])
     as n (job_id, step, pipeline, key, input, input_hash, delay, priority, origin, deadline, expect, debounce, at_most)
order by n.job_id, n.step, n.input_hash
on conflict (job_id, step) do update set input_hash = excluded.input_hash, pipeline = excluded.pipeline
    where runs.input_hash is distinct from excluded.input_hash or runs.pipeline <> excluded.pipeline
returning job_id, step
