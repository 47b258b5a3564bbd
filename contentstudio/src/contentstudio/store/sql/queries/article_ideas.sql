-- The topics that a job chose to have written for the first time become articles. One that could not be written, or was
-- turned down, is taken up again.
insert into articles (site, slug, job_id, title, state)
select t.site, t.slug, d.job_id, t.title, 'idea'
from choices c
join topics t on t.site = c.site and t.slug = c.target
left join documents d on d.site = t.site and d.slug = t.slug
where c.site = %(site)s and c.chosen_by = %(chosen_by)s and c.decision = 'create'
on conflict (site, slug) do update set state = 'idea', job_id = excluded.job_id, title = excluded.title
where articles.state = 'rejected'
