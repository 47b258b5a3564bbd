-- Inserts runs that do not exist yet, and names them: see `begin_runs` in the schema.
select job_id, step
from begin_runs(new_runs(
    %(job_id)s::text[], %(step)s::text[], %(pipeline)s::text[], %(key)s::text[], %(input)s::text[], %(input_hash)s::text[],
    %(priority)s::int[], %(delay)s::float8[], %(at_most)s::float8[], %(deadline)s::float8[], %(expect)s::float8[],
    %(origin)s::text[], %(debounce)s::text[]))
