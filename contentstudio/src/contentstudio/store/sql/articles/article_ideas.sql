-- The ideas that a job chose to have written for the first time become articles. One that could not be written, or was
-- turned down, is taken up again.
insert into articles (site, slug, job_id, title, state)
select i.site, i.slug, d.job_id, i.title, 'idea'
from choices c
join ideas i on i.site = c.site and i.slug = c.target
left join documents d on d.site = i.site and d.slug = i.slug
where c.site = %(site)s and c.chosen_by = %(chosen_by)s and c.decision = 'create'
on conflict (site, slug) do update set state = 'idea', job_id = excluded.job_id, title = excluded.title
where articles.state = 'rejected'
