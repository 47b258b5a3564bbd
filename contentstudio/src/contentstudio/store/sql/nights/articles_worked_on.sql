-- The articles of which a step began since a moment, the latest first: where each stands, what its steps were estimated to
-- cost and what each is booked, and whether its job has a brief and a judged text. Of the runs that began last `looked` are
-- read, which are those of `limit` jobs at least; of the jobs of the list alone more is read.
select j.job_id, j.site, a.slug, coalesce(a.title, j.title, '') as title, a.url, a.state, j.step, j.status, j.error,
       j.worked_at, j.has_brief, j.has_text, j.estimates, j.booked
from (
    select r.job_id, min(r.key) as site, w.worked_at,
           (array_agg(r.step order by r.id desc))[1] as step,
           (array_agg(r.status order by r.id desc))[1] as status,
           (array_agg(r.error order by r.id desc))[1] as error,
           max(r.output->'titles'->>0) filter (where r.step = 'brief') as title,
           coalesce(bool_or(r.step = 'brief' and r.output ? 'sections'), false) as has_brief,
           coalesce(bool_or(r.output ? 'draft' and r.output ? 'verdicts'), false) as has_text,
           coalesce((array_agg(r.output->'estimates') filter (where r.step = 'brief'))[1], '[]') as estimates,
           jsonb_agg(jsonb_build_array(r.step, r.cost_usd) order by r.id) as booked
    from (select job_id, max(started_at) as worked_at
          from (select job_id, started_at from runs
                where pipeline = 'article' and started_at >= %(since)s
                order by started_at desc
                limit %(looked)s) s
          group by job_id
          order by worked_at desc, job_id
          limit %(limit)s) w
    join runs r on r.job_id = w.job_id
    group by r.job_id, w.worked_at
) j
left join articles a on a.job_id = j.job_id
order by j.worked_at desc, j.job_id
