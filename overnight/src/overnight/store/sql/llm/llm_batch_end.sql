-- Ends a batch, and has the runs begun again that wait for its calls.
with ended as (
    update llm_batches
    set status = 'ended', ended_at = ledger_now(), error = %(error)s
    where id = %(id)s and status <> 'ended'
    returning id
)
update runs r
set due_at = ledger_now()
from ended e
where r.status = 'queued' and r.outcome = 'snooze' and r.due_at > ledger_now()
  and r.id in (select c.run_id from llm_calls c where c.batch_id = e.id)
