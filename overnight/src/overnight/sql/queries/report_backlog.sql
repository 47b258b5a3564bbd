-- What waits, for whom. Held: due, and a switch is off for it.
select count(*) filter (where status = 'queued' and due_at <= ledger_now() and held is null) as due,
       count(*) filter (where status = 'queued' and due_at <= ledger_now() and held is not null) as held,
       count(*) filter (where status = 'queued' and due_at > ledger_now()) as waiting,
       count(*) filter (where status = 'running') as running,
       count(*) filter (where status = 'needs_review') as needs_review,
       count(*) filter (where status = 'dead') as dead,
       extract(epoch from ledger_now()
               - min(due_at) filter (where status = 'queued' and due_at <= ledger_now() and held is null))::float8
           as oldest_due_seconds
from (select status, due_at,
             case when status = 'queued' then switched_off(pipeline, key, step) end as held
      from runs
      where status in ('queued', 'running', 'needs_review', 'dead')) r
