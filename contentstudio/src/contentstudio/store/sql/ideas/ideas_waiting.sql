-- The ideas of persons whose articles were not begun: those without a day, and those that are due until one. They begin in the
-- order that a person gave them.
select i.slug
from ideas i
join articles a using (site, slug)
where i.site = %(site)s and i.decision = 'create' and i.decided_by is not null and a.state = 'idea'
  and (i.due is null or i.due <= %(until)s)
  and (a.job_id is null or not exists (select from runs r where r.job_id = a.job_id))
order by i.position nulls last, i.due nulls last, i.score desc, i.slug
