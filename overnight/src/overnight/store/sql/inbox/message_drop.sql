-- A dead letter ends here; its body is kept. The alert about such letters is closed with the last of them.
with message as (
    update messages set status = 'dropped', settled_at = ledger_now()
    where id = %(id)s and status = 'dead'
    returning id, source, target
),
noted as (
    insert into actions (verb, target, reason, by) select 'discard', 'm' || m.id, %(reason)s, %(by)s from message m
),
closed as (
    update alerts a set resolved_at = ledger_now()
    from message m
    where a.kind = 'dead_letter' and a.subject = m.source || '/' || m.target and a.resolved_at is null
      and not exists (select from messages o
                      where o.status = 'dead' and o.source = m.source and o.target = m.target and o.id <> m.id)
)
select id from message
