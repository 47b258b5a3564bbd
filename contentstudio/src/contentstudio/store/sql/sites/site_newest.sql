-- The articles that came to a site, or to all, last: each with its first picture.
select v.site, v.slug, coalesce(a.title, v.draft->>'title') as title, a.url, v.first_at as at, v.draft->'images'->0 as image,
       exists (select from versions o where o.site = v.site and o.slug = v.slug and o.first_at < v.first_at) as is_update
from (select site, slug, sha256, first_at, draft from versions
      where %(site)s::text is null or site = %(site)s
      order by first_at desc, slug
      limit %(limit)s) v
left join articles a on a.site = v.site and a.slug = v.slug
order by v.first_at desc, v.slug
