-- Inserts runs that do not exist yet (`begin_runs` in the schema), and wakes workers where that is asked for. They are counted
-- here: a row for each would cost a tenth of the time.
with new as (
    select job_id
    from begin_runs(new_runs(
        %(job_id)s::text[], %(step)s::text[], %(pipeline)s::text[], %(key)s::text[], %(input)s::text[],
        %(input_hash)s::text[], %(priority)s::int[], %(delay)s::float8[], %(at_most)s::float8[], %(deadline)s::float8[],
        %(expect)s::float8[], %(origin)s::text[], %(debounce)s::text[]))
)
select count(*) as count, case when %(wake)s::bool and count(*) > 0 then pg_notify(%(channel)s, '')::text end as hint
from new
