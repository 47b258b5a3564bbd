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
)
select a.id, a.job_id, a.step, a.pipeline, a.key,
       case when %(next_step)s::text is not null then (select count(*) from begin_runs(
           job_ids => array[a.job_id], steps => array[%(next_step)s::text], pipelines => array[a.pipeline],
           keys => array[a.key], inputs => array[a.output], input_hashes => array[null::text],
           priorities => array[a.priority::int], delays => array[%(delay)s::float8], at_most => array[%(at_most)s::float8],
           deadlines_at => array[a.deadline_at], expected_at => array[a.expect_at], parents => array[a.id])) end as started
from approved a
