-- The articles of a site as they stood when we last published or withdrew them, or one of them; the latest first.
select p.site, p.slug, p.existing->>'url' as url, coalesce(p.existing->>'state', 'unpublished') as state, p.at,
       exists (select from topics t where t.site = p.site and t.slug = p.slug)
       or exists (select from choices c where c.site = p.site and c.target = p.slug) as has_sources
from publications p
where p.site = %(site)s and (%(slug)s::text is null or p.slug = %(slug)s)
order by p.at desc, p.slug
limit %(limit)s
