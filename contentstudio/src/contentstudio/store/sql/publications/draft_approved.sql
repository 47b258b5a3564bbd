-- What was approved last of an article: the version that was published last, or what a job approved and could not publish.
select a.draft from (
    select v.draft, v.at from versions v where v.site = %(site)s and v.slug = %(slug)s
    union all
    select r.output->'draft', r.finished_at
    from publications p
    join runs r on r.job_id = p.job_id and r.step = 'confirm' and r.status = 'succeeded' and r.output ? 'draft'
    where p.site = %(site)s and p.slug = %(slug)s
) as a
order by a.at desc
limit 1
