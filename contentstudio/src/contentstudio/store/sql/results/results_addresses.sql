-- Where the articles of a site are, or were before they were taken from readers.
select slug, url from articles where site = %(site)s and url is not null
union
select slug, existing->>'url' from publications where site = %(site)s and existing->>'url' is not null
