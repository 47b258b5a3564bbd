-- What people call jobs: the title of the article that each works on, did work on, or is asked to change.
select j.job_id, coalesce(a.title, v.title, b.title, r.title) as title
from unnest(%(jobs)s::text[]) j (job_id)
left join lateral (
    select title from articles where job_id = j.job_id order by changed_at desc limit 1
) a on true
left join lateral (
    select draft->>'title' as title from versions where job_id = j.job_id order by at desc limit 1
) v on true
left join lateral (
    select key, coalesce(input->>'slug', input->'draft'->>'slug') as slug,
           coalesce(input->'draft'->>'title', input->>'question') as title
    from runs where job_id = j.job_id order by id limit 1
) r on true
left join articles b on b.site = r.key and b.slug = r.slug
where coalesce(a.title, v.title, b.title, r.title) is not null
