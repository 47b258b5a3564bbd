-- What readers of a site can go to.
select slug, kind, title, url, updated_at from documents
where site = %(site)s and kind in ('published', 'own') and url is not null
order by slug
