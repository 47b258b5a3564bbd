-- An idea, with the state of its article. A worker of the release before keeps it in `topics` alone.
select i.title, i.origin, i.signals, i.urls, i.wish, i.due, i.factors, i.score, i.decision, i.reason, i.found_on, i.job,
       i.created_by, i.decided_by, i.created_at, i.decided_at, a.state, a.url, a.job_id,
       exists (select from runs r where r.job_id = a.job_id and r.status not in ('succeeded', 'cancelled')) as active
from ideas i
left join articles a using (site, slug)
where i.site = %(site)s and i.slug = %(slug)s
union all
select t.title, 'story', '[]', '{}', '', null, t.factors, t.score, 'create', '', t.found_on, null,
       null, null, null, null, a.state, a.url, a.job_id,
       exists (select from runs r where r.job_id = a.job_id and r.status not in ('succeeded', 'cancelled'))
from topics t
left join articles a using (site, slug)
where t.site = %(site)s and t.slug = %(slug)s
  and not exists (select from ideas i where i.site = t.site and i.slug = t.slug)
