-- Another input for a run that has not begun, was put off by its own step, is dead, or is in review and is what the person
-- saw. What somebody saw in review is edited there alone: their edit is none of what has become of it since. It is judged
-- anew, so its output goes; what was replaced is kept with the deed. A queued one has its whole wait again, but not beyond
-- its `due_by`, which begins anew once it has passed while the step put itself off; it loses its debounce name, so that no
-- later event takes the place of what a person wrote. An outside write of which nobody could know is forgotten: who edits
-- in review has looked. The job is named beside the run's id, for a debounced run may have become another job.
with chosen as (
    select id, status, error_class, input as was, seal(output, input) as revision,
           case when status = 'queued' and attempt > 0 and due_by <= ledger_now()
                then ledger_now() + make_interval(secs => %(at_most)s::float8) else due_by end as due_by
    from runs
    where id = %(id)s and job_id = %(job_id)s
      and case when %(revision)s::text is null
               then status = 'dead' or status = 'queued' and (attempt = 0 or outcome = 'snooze')
               else status = 'needs_review' and starts_with(seal(output, input), %(revision)s) end
    for update
),
edited as (
    update runs r
    set status = 'queued', input = %(input)s::jsonb, output = null, failures = 0, losses = 0, debounce = null,
        finished_at = null,
        deadline_at = case when r.status <> 'dead' then r.deadline_at end,
        expect_at = case when r.status <> 'dead' then r.expect_at end,
        due_at = case when r.status <> 'queued' then ledger_now()
                      when %(wait)s::float8 is null or r.attempt = 0 and r.origin in ('join', 'wait') then r.due_at
                      else least(ledger_now() + make_interval(secs => %(wait)s), c.due_by) end,
        due_by = c.due_by
    from chosen c
    where r.id = c.id
    returning r.id, r.job_id, r.step, r.pipeline, r.key, r.due_at, c.status, c.error_class, c.was, c.revision
),
noted as (
    insert into actions (verb, target, step, reason, seen, was, by)
    select 'edit', job_id, step, %(reason)s, revision, was, %(by)s from edited
),
forgotten as (
    delete from effects using edited e
    where effects.run_id = e.id and effects.status = 'intended'
      and e.status = 'needs_review' and e.error_class = 'unknown_outcome'
)
select id, job_id, step, pipeline, key, due_at from edited
