-- Inserts runs that do not exist yet (`begin_runs` in the schema), each with an entry in the audit log, and wakes workers.
with new as (
    select job_id, step
    from begin_runs(new_runs(
        %(job_id)s::text[], %(step)s::text[], %(pipeline)s::text[], %(key)s::text[], %(input)s::text[],
        %(input_hash)s::text[], %(priority)s::int[], %(delay)s::float8[], %(at_most)s::float8[], %(deadline)s::float8[],
        %(expect)s::float8[], %(origin)s::text[], %(debounce)s::text[]))
),
noted as (
    insert into actions (verb, target, step, reason, by)
    select %(verb)s, new.job_id, new.step, %(reason)s, %(by)s from new
)
select new.job_id, pg_notify(%(channel)s, '')::text as hint from new
