-- Notes a message, begins its jobs, and keeps its event for a run that waits for it, all or nothing. No row: one with the
-- sender's key is there already, and begins nothing again. A job that exists with other inputs refuses the whole statement.
with message as (
    insert into messages (source, key, sha256, status, target, bare, jobs)
    values (%(source)s, %(message_key)s, %(sha256)s, 'accepted', %(target)s, %(bare)s, %(job_id)s::text[])
    on conflict (source, key) do nothing
    returning id, jobs
)
select m.id,
       (select count(*) from begin_runs(new_runs(
           m.jobs, %(step)s::text[], %(pipeline)s::text[], %(key)s::text[], %(input)s::text[], %(input_hash)s::text[],
           %(priority)s::int[], %(delay)s::float8[], %(at_most)s::float8[], %(deadline)s::float8[], %(expect)s::float8[],
           %(origin)s::text[], %(debounce)s::text[]))) as started,
       case when %(events)s::jsonb is not null then settle_waits(null, null, %(events)s::jsonb, null) end as go_on
from message m
