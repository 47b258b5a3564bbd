-- Gives the article of an idea, which was not begun, to a job.
with article as (
    update articles a set job_id = %(job_id)s
    where a.site = %(site)s and a.slug = %(slug)s and a.state = 'idea'
      and (a.job_id is null or not exists (select from runs r where r.job_id = a.job_id))
    returning a.site, a.slug
)
update documents d set job_id = %(job_id)s
from article a
where d.site = a.site and d.slug = a.slug and d.kind = 'chosen'
