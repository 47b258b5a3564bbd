-- Which of these slugs a site's ideas and documents have, with their titles, and whether a document stands there; and the
-- idea of this title.
select distinct on (slug) slug, title, stands
from (
    select i.slug, i.title, 0 as rank, d.slug is not null as stands
    from (select site, slug, title from ideas union select site, slug, title from topics) i
    left join documents d on d.site = i.site and d.slug = i.slug
    where i.site = %(site)s and (i.slug = any(%(slugs)s) or i.title = %(title)s)
    union all
    select slug, title, 1, true from documents where site = %(site)s and slug = any(%(slugs)s)
) as taken
order by slug, rank
