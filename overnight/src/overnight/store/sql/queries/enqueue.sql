-- Inserts runs that do not exist yet, and names them: see `begin_runs` in the schema.
select job_id, step
from begin_runs(
    job_ids => %(job_id)s::text[], steps => %(step)s::text[], pipelines => %(pipeline)s::text[], keys => %(key)s::text[],
    inputs => %(input)s::text[]::jsonb[], input_hashes => %(input_hash)s::text[], priorities => %(priority)s::int[],
    due_at => moments_ahead(%(delay)s::float8[]), due_by => moments_ahead(%(at_most)s::float8[]),
    deadline_at => moments_ahead(%(deadline)s::float8[]), expect_at => moments_ahead(%(expect)s::float8[]),
    origins => %(origin)s::text[], debounces => %(debounce)s::text[])
