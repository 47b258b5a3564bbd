-- Begins the jobs of an event, keeps the event for a run that waits or will wait for it, notes who emitted it where that is
-- said, and wakes workers. Answers with the jobs that go on by it.
with new as (
    select job_id
    from begin_runs(new_runs(
        %(job_id)s::text[], %(step)s::text[], %(pipeline)s::text[], %(key)s::text[], %(input)s::text[],
        %(input_hash)s::text[], %(priority)s::int[], %(delay)s::float8[], %(at_most)s::float8[], %(deadline)s::float8[],
        %(expect)s::float8[], %(origin)s::text[], %(debounce)s::text[]))
),
noted as (
    insert into actions (verb, target, reason, by)
    select 'emit', %(event)s::text, %(reason)s::text, %(by)s::text where %(by)s::text is not null
)
select settle_waits(null, null, %(events)s::jsonb, null) as jobs, pg_notify(%(channel)s, '')::text as hint
from (select count(*) from new) as begun
