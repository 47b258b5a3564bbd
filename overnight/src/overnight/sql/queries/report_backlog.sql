select count(*) filter (where status = 'queued' and due_at <= ledger_now()) as due,
       count(*) filter (where status = 'queued' and due_at > ledger_now()) as waiting,
       count(*) filter (where status = 'running') as running,
       count(*) filter (where status = 'needs_review') as needs_review,
       count(*) filter (where status = 'dead') as dead,
       extract(epoch from ledger_now() - min(due_at) filter (where status = 'queued' and due_at <= ledger_now()))::float8
           as oldest_due_seconds
from runs
where status in ('queued', 'running', 'needs_review', 'dead')
