-- Permission for one external write: only for the live owner of the run, and only while no switch is off. The intent is
-- written in the same statement, so that nobody writes outside without it.
insert into effects (job_id, name, content_hash, run_id, attempt)
select r.job_id, %(name)s, %(content_hash)s, r.id, r.attempt
from runs r
where r.id = %(run_id)s and r.attempt = %(attempt)s and r.status = 'running'
  and switched_off(r.pipeline, r.key, r.step) is null
on conflict (job_id, name, content_hash) do update
    set attempt = excluded.attempt, run_id = excluded.run_id
returning id, status, result, (xmax <> 0) as seen_before
