-- The articles of a site, or of all, as they stood when we last published or withdrew them; the latest first.
select p.site, p.slug, p.existing->>'url' as url, coalesce(p.existing->>'state', 'unpublished') as state, p.at,
       v.number as version, v.versions, coalesce(v.title, p.slug) as title,
       coalesce(p.existing->'differs', '[]') as differs,
       exists (select from topics t where t.site = p.site and t.slug = p.slug)
       or exists (select from choices c where c.site = p.site and c.target = p.slug) as has_sources
from publications p
left join lateral (
    select max(a.number) filter (where a.latest) as number, count(*)::int as versions,
           max(a.draft->>'title') filter (where a.latest) as title
    from article_versions a where a.site = p.site and a.slug = p.slug
) v on true
where %(site)s::text is null or p.site = %(site)s
order by p.at desc, p.slug
limit %(limit)s
