-- What is to come on the sites: ideas with a day, and articles on their way, with the day that they are due.
select a.site, a.slug, a.title, a.state, a.job_id, a.changed_at, i.due, i.wish <> '' or i.origin = 'wish' as wished
from articles a
left join ideas i using (site, slug)
where (%(site)s::text is null or a.site = %(site)s)
  and a.state not in ('published', 'unpublished', 'rejected')
order by i.due nulls last, a.site, a.changed_at, a.slug
