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
       (select count(*) from begin_runs(new_runs(
           m.jobs, %(step)s::text[], %(pipeline)s::text[], %(key)s::text[], %(input)s::text[], %(input_hash)s::text[],
           %(priority)s::int[], %(delay)s::float8[], %(at_most)s::float8[], %(deadline)s::float8[], %(expect)s::float8[],
           %(origin)s::text[], %(debounce)s::text[]))) as started,
       case when %(events)s::jsonb is not null then settle_waits(null, null, %(events)s::jsonb, null) end as go_on
from message m
