-- Notes a message and begins its jobs, all or nothing. No row: one with the sender's key is there already, and begins
-- nothing again. A job that exists with other inputs refuses the whole statement.
with message as (
    insert into messages (source, key, sha256, status, target, bare, jobs)
    values (%(source)s, %(message_key)s, %(sha256)s, 'accepted', %(target)s, %(bare)s, %(job_id)s::text[])
    on conflict (source, key) do nothing
    returning id, jobs
)
select m.id,
       (select count(*) from begin_runs(
           job_ids => m.jobs, steps => %(step)s::text[], pipelines => %(pipeline)s::text[], keys => %(key)s::text[],
           inputs => %(input)s::text[]::jsonb[], input_hashes => %(input_hash)s::text[], priorities => %(priority)s::int[],
           delays => %(delay)s::float8[], at_most => %(at_most)s::float8[], deadlines => %(deadline)s::float8[],
           expectations => %(expect)s::float8[], origins => %(origin)s::text[], debounces => %(debounce)s::text[])) as started
from message m
