-- The descriptions of the site's other articles, as they were published last.
select distinct on (slug) draft->>'description' as description from versions
where site = %(site)s and slug <> %(slug)s
order by slug, at desc
