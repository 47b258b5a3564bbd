-- The life of an article as far as it is known, the oldest first: its idea, each step of the jobs that wrote it, what people
-- did with these, its versions, and what search engines and readers made of it. What is to come stands where it is due.
with jobs as (
    select job_id from articles where site = %(site)s and slug = %(slug)s and job_id is not null
    union
    select job_id from versions where site = %(site)s and slug = %(slug)s
),
moments as (
    select i.created_at as at, 'idea' as kind, i.origin as what, i.reason as text, i.created_by as by,
           null::text as job_id, null::text as status, null::float8 as cost_usd
    from ideas i
    where i.site = %(site)s and i.slug = %(slug)s
    union all
    select i.decided_at, 'decision', i.decision, '', i.decided_by, null, null, null
    from ideas i
    where i.site = %(site)s and i.slug = %(slug)s and i.decided_by is not null
    union all
    select case when r.status = 'queued' then r.due_at else coalesce(r.finished_at, r.started_at, r.created_at) end,
           'step', r.step, coalesce(r.error, ''), null, r.job_id, r.status, r.cost_usd::float8
    from runs r join jobs using (job_id)
    union all
    select a.at, 'action', a.verb, a.reason, a.by, a.target, null, null
    from actions a join jobs on jobs.job_id = a.target
    union all
    select v.first_at, 'version', v.number::text, '', null, v.job_id, null, null
    from article_versions v
    where v.site = %(site)s and v.slug = %(slug)s
    union all
    select l.crawled_at, 'indexed', coalesce(l.verdict, ''), l.url, null, null, null, null
    from listings l
    where l.site = %(site)s and l.slug = %(slug)s and l.indexed and l.crawled_at is not null
    union all
    select min(d.day)::timestamptz, 'read', min(d.source), '', null, null, null, null
    from article_results d
    where d.site = %(site)s and d.slug = %(slug)s and d.clicks + d.visits > 0
    having count(*) > 0
)
select * from moments
order by at, kind, job_id, what
limit %(limit)s
