-- What is on its way and has no due day, or one that is past: what waits for a person first, then what is near its end.
select 'planned' as kind, a.site, a.slug, a.title, a.url, a.state, a.job_id, a.changed_at as at, i.due,
       i.decision is not distinct from 'create' as can_move
from articles a
left join ideas i on i.site = a.site and i.slug = a.slug
where a.state not in ('published', 'unpublished', 'refreshing', 'rejected') and (i.due is null or i.due < %(today)s)
  and (%(site)s::text is null or a.site = %(site)s)
order by i.due nulls last,
         array_position(array['review', 'ready', 'verifying', 'writing', 'briefed', 'researching', 'idea'], a.state),
         a.changed_at, a.slug
limit %(limit)s
