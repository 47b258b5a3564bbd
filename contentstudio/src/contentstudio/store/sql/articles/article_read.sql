-- An article, with what the model calls of its job cost.
select a.site, a.slug, a.job_id, a.title, a.language, a.url, a.state, a.created_at, a.changed_at,
       (select coalesce(sum(r.cost_usd), 0)::float8 from runs r where r.job_id = a.job_id) as cost_usd
from articles a
where a.site = %(site)s and a.slug = %(slug)s
