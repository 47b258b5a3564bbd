-- What waits for a person, oldest first: its title, its site, why, and how many of its texts are doubtful. What ended the
-- last page waits since `before_at`, as `before_id`.
select w.id, w.job_id, w.step, w.pipeline, w.site, w.reasons, w.since, w.revision, w.cost_usd, w.is_left,
       coalesce(w.title, a.title) as title, coalesce(w.slug, a.slug) as slug, coalesce(w.language, a.language) as language,
       w.doubtful
from (
    select r.id, r.job_id, r.step, r.pipeline, r.key as site, r.error as reasons, r.cost_usd::float8 as cost_usd,
           coalesce(r.finished_at, r.created_at) as since, seal(r.output, r.input) as revision,
           r.step = 'publish' and coalesce(jsonb_typeof(r.output->'over') <> 'null', false) as is_left,
           coalesce(r.output->'draft'->>'title', r.output->'titles'->>0, r.input->'draft'->>'title') as title,
           coalesce(r.output->'draft'->>'slug', r.input->'draft'->>'slug', r.input->>'slug') as slug,
           coalesce(r.output->'draft'->>'language', r.input->'draft'->>'language') as language,
           (select count(distinct fault->>'place')
            from jsonb_path_query(r.output, 'lax $.verdicts[*] ? (@.passed == false).faults[*]') fault)::int as doubtful
    from runs r
    where r.status = 'needs_review' and r.id in (
        select id from runs -- by its index alone
        where status = 'needs_review'
          and (%(before_id)s::bigint is null
               or (coalesce(finished_at, created_at), id) > (%(before_at)s::timestamptz, %(before_id)s))
        order by coalesce(finished_at, created_at), id
        limit %(limit)s)
) w
left join lateral (
    select n.title, n.slug, n.language from articles n where n.job_id = w.job_id limit 1
) a on true
order by w.since, w.id
