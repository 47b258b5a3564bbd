-- A site's pages, the latest first.
select * from listings where site = %(site)s order by changed_at desc, slug limit %(limit)s
