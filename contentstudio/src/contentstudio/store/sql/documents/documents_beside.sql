-- What stands beside an article, of all sites, the newest first: published, on its way, turned down, the owner's own.
select title, text, kind from documents
where kind <> 'chosen' and (site, slug) <> (%(site)s, %(slug)s)
order by updated_at desc, site, slug
limit %(most)s
