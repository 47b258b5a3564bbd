-- The articles on which was worked since a moment, the latest first: where each stands, what its steps were estimated to
-- cost and what each is booked, and whether its job has a brief and a judged text.
select j.job_id, j.site, a.slug, coalesce(a.title, j.title, '') as title, a.url, a.state, j.step, j.status, j.error,
       j.worked_at, j.has_brief, j.has_text, j.estimates, j.booked
from (
    select r.job_id, min(r.key) as site, max(coalesce(r.finished_at, r.started_at)) as worked_at,
           (array_agg(r.step order by r.id desc))[1] as step,
           (array_agg(r.status order by r.id desc))[1] as status,
           (array_agg(r.error order by r.id desc))[1] as error,
           max(r.output->'titles'->>0) filter (where r.step = 'brief') as title,
           coalesce(bool_or(r.step = 'brief' and r.output ? 'sections'), false) as has_brief,
           coalesce(bool_or(r.output ? 'draft' and r.output ? 'verdicts'), false) as has_text,
           coalesce((array_agg(r.output->'estimates') filter (where r.step = 'brief'))[1], '[]') as estimates,
           jsonb_agg(jsonb_build_array(r.step, r.cost_usd) order by r.id) as booked
    from runs r
    where r.job_id in (select w.job_id from runs w
                       where w.pipeline = 'article' and (w.finished_at >= %(since)s or w.started_at >= %(since)s))
    group by r.job_id
) j
left join articles a on a.job_id = j.job_id
order by j.worked_at desc, j.job_id
limit %(limit)s
