-- What was reviewed becomes the output, and the next step is queued with it byte for byte: only while it is what the person
-- saw. The next step inherits the priority, the deadline and the expectation of its job.
with approved as (
    update runs
    set status = 'succeeded', outcome = 'done', error = nullif(%(reason)s::text, ''), finished_at = ledger_now()
    where id = %(id)s and status = 'needs_review' and starts_with(seal(output, input), %(revision)s)
      and (output is not null or %(next_step)s::text is null)
    returning id, job_id, step, pipeline, key, output, priority, deadline_at, expect_at, seal(output, input) as revision
),
noted as (
    insert into actions (verb, target, step, reason, seen, by)
    select 'approve', job_id, step, %(reason)s, revision, %(by)s from approved
)
select a.id, a.job_id, a.step, a.pipeline, a.key,
       case when %(next_step)s::text is not null then (select count(*) from begin_runs(array[row(
           a.job_id, %(next_step)s, a.pipeline, a.key, a.output, null, a.priority, %(delay)s::float8, %(at_most)s::float8,
           null, null, null, null, a.id, a.deadline_at, a.expect_at, null)::new_run])) end as started
from approved a
