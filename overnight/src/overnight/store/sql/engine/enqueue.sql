-- Inserts runs that do not exist yet, and names them: see `begin_runs` in the schema.
select job_id, step
from begin_runs(
    job_ids => %(job_id)s::text[], steps => %(step)s::text[], pipelines => %(pipeline)s::text[], keys => %(key)s::text[],
    inputs => %(input)s::text[]::jsonb[], input_hashes => %(input_hash)s::text[], priorities => %(priority)s::int[],
    delays => %(delay)s::float8[], at_most => %(at_most)s::float8[], deadlines => %(deadline)s::float8[],
    expectations => %(expect)s::float8[], origins => %(origin)s::text[], debounces => %(debounce)s::text[])
