-- What was reviewed becomes the output, and the next step is queued, in one guarded statement.
with approved as (
    update runs set status = 'succeeded', outcome = 'done', error = %(reason)s, finished_at = ledger_now()
    where id = %(id)s and status = 'needs_review' and (output is not null or %(next_step)s::text is null)
    returning id, job_id, step, pipeline, key, output
),
next as (
    insert into runs (job_id, step, pipeline, key, input, due_at, lease_until, parent)
    select a.job_id, %(next_step)s, a.pipeline, a.key, a.output,
           ledger_now() + make_interval(secs => %(delay)s), null, a.id
    from approved a
    where %(next_step)s::text is not null
    on conflict (job_id, step) do update set pipeline = excluded.pipeline
        where runs.pipeline <> excluded.pipeline
)
select id, job_id, step, pipeline, key from approved
