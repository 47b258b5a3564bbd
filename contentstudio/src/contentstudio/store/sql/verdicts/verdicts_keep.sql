-- An attempt that says the same again changes nothing.
insert into verdicts (job_id, attempt, rewrite, gate, passed, reason)
select %(job_id)s, %(attempt)s, %(rewrite)s, gate, passed, reason
from unnest(%(gates)s::text[], %(passed)s::boolean[], %(reasons)s::text[]) as said (gate, passed, reason)
on conflict (job_id, attempt, rewrite, gate) do nothing
