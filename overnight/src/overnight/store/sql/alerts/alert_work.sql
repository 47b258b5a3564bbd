-- What these alerts are about: how many jobs failed or wait, whose they are, what they cost altogether, one of them, and the
-- revision where a single one waits. Of an alert with more than `most` jobs the latest count.
with about as (
    select id, kind, subject, job_id, first_at from alerts where id = any(%(alerts)s::bigint[])
),
jobs as (
    select a.id, r.job_id
    from about a
    cross join lateral (
        select job_id
        from runs
        where status = 'dead' and pipeline || '/' || step = a.subject
          and finished_at >= a.first_at - interval '1 minute' -- a run ends a moment before its alert begins
        order by finished_at desc
        limit %(most)s) r
    where a.kind = 'dead_letter'
    union
    select a.id, r.job_id
    from about a
    cross join lateral (
        select job_id
        from runs
        where status = 'needs_review' and pipeline || '/' || step = a.subject
        order by finished_at desc
        limit %(most)s) r
    where a.kind = 'review'
    union
    select id, job_id from about where job_id is not null
)
select j.id, count(*)::int as jobs, coalesce(max(a.job_id), min(j.job_id)) as job_id, sum(c.cost_usd) as cost_usd,
       array_remove(array_agg(distinct c.key), '') as keys,
       case when count(*) = 1 then max(c.revision) end as revision
from jobs j
join about a on a.id = j.id
cross join lateral (
    select coalesce(sum(cost_usd), 0) as cost_usd, max(key) as key,
           case a.kind when 'review' then max(seal(output, input)) filter (where status = 'needs_review') end as revision
    from runs
    where job_id = j.job_id) c
group by j.id
