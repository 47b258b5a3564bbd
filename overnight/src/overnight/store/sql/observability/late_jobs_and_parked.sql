-- Tells of jobs that should have ended by now, of any app, and of runs that are due since a while for a step which this
-- app has no more. Each is told once, however often and by however many it is looked at; when none is left, the alert is
-- resolved.
with current as (
    select 'late_job' as kind, pipeline as subject, job_id, expect_at as since,
           'job ' || job_id || ' should have ended by ' || to_char(expect_at at time zone 'utc', 'YYYY-MM-DD HH24:MI')
           || ' UTC; it is ' || status || ' at ' || step as text
    from runs
    where status in ('queued', 'running') and expect_at < ledger_now()
    union all
    select 'parked', pipeline || '/' || step, job_id, due_at + make_interval(secs => %(parked)s),
           'job ' || job_id || ' waits for the step ' || step || ', which the code of ' || pipeline
           || ' has no more: put it back, or cancel the job'
    from runs
    where status = 'queued' and due_at < ledger_now() - make_interval(secs => %(parked)s)
      and pipeline = any(%(pipelines)s::text[]) and pipeline || '/' || step <> all(%(steps)s::text[])
),
latest as (
    select kind, subject, (array_agg(text order by since desc))[1] as text,
           (array_agg(job_id order by since desc))[1] as job_id, array_agg(since) as moments
    from current
    group by kind, subject
    order by kind, subject
),
resolved as (
    update alerts a set resolved_at = ledger_now()
    where a.resolved_at is null
      and (a.kind = 'late_job' or a.kind = 'parked' and split_part(a.subject, '/', 1) = any(%(pipelines)s::text[]))
      and not exists (select from current f where f.kind = a.kind and f.subject = a.subject)
)
select raise_alert(kind, subject, text, job_id, moments => moments) as alert from latest
