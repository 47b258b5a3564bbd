-- What was reviewed becomes the output, and the next step is queued with it byte for byte: only while it is what the person
-- saw. The next step inherits the priority, the deadline and the expectation of its job.
with approved as (
    update runs
    set status = 'succeeded', outcome = 'done', error = nullif(%(reason)s::text, ''), finished_at = ledger_now()
    where id = %(id)s and status = 'needs_review' and starts_with(seal(output, input), %(seen)s)
      and (output is not null or %(next_step)s::text is null)
    returning id, job_id, step, pipeline, key, output, priority, deadline_at, expect_at, seal(output, input) as seen
),
noted as (
    insert into actions (verb, target, step, reason, seen, by)
    select 'approve', job_id, step, %(reason)s, seen, %(by)s from approved
),
next as (
    insert into runs (job_id, step, pipeline, key, input, due_at, due_by, lease_until, parent, priority, deadline_at,
                      expect_at)
    select a.job_id, %(next_step)s, a.pipeline, a.key, a.output,
           ledger_now() + make_interval(secs => %(delay)s), ledger_now() + make_interval(secs => %(at_most)s), null, a.id,
           a.priority, a.deadline_at, a.expect_at
    from approved a
    where %(next_step)s::text is not null
    on conflict (job_id, step) do update set pipeline = excluded.pipeline
        where runs.pipeline <> excluded.pipeline
)
select id, job_id, step, pipeline, key from approved
