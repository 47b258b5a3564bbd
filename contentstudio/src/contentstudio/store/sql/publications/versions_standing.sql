-- The versions that stand on a site, and how they were when we left them.
select v.slug, v.draft, p.existing->>'fingerprint' as fingerprint
from publications p
join article_versions v on v.site = p.site and v.slug = p.slug and v.latest
where p.site = %(site)s and p.existing is not null
