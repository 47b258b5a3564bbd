-- A dead letter that can be read now begins its jobs, once: whoever comes second finds it dead no more, and no row. The
-- alert about such letters is closed with the last of them.
with message as (
    update messages set status = 'replayed', jobs = %(job_id)s::text[], settled_at = ledger_now()
    where id = %(id)s and status = 'dead'
    returning id, source, target, jobs
),
noted as (
    insert into actions (verb, target, reason, seen, by)
    select 'replay', 'm' || m.id, %(reason)s, %(sha256)s, %(by)s from message m
),
closed as (
    update alerts a set resolved_at = ledger_now()
    from message m
    where a.kind = 'dead_letter' and a.subject = m.source || '/' || m.target and a.resolved_at is null
      and not exists (select from messages o
                      where o.status = 'dead' and o.source = m.source and o.target = m.target and o.id <> m.id)
)
select m.id,
       (select count(*) from begin_runs(
           job_ids => m.jobs, steps => %(step)s::text[], pipelines => %(pipeline)s::text[], keys => %(key)s::text[],
           inputs => %(input)s::text[]::jsonb[], input_hashes => %(input_hash)s::text[], priorities => %(priority)s::int[],
           delays => %(delay)s::float8[], at_most => %(at_most)s::float8[], deadlines => %(deadline)s::float8[],
           expectations => %(expect)s::float8[], origins => %(origin)s::text[], debounces => %(debounce)s::text[])) as started
from message m
