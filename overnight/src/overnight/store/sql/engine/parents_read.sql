-- The attempts that spawned these runs, for the links between traces. One that is pruned leaves no link.
select r.id, p.job_id, p.step, p.attempt
from runs r join runs p on p.id = r.parent
where r.id = any(%(ids)s::bigint[]) and p.job_id <> r.job_id
