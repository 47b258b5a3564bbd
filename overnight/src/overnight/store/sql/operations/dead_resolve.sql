-- Closes the alerts of dead letters where none is left. The count is compared, so that an alert that is raised once more
-- at this very moment stays open.
with well as (
    select a.id, a.count
    from alerts a
    where a.kind = 'dead_letter' and a.resolved_at is null
      and not exists (select from runs r where r.status = 'dead' and r.pipeline || '/' || r.step = a.subject)
      and not exists (select from messages m where m.status = 'dead' and m.source || '/' || m.target = a.subject)
)
update alerts a set resolved_at = ledger_now()
from well
where a.id = well.id and a.count = well.count and a.resolved_at is null
