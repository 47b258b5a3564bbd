-- The last day that a source told of a site.
select max(day) as last from article_results where site = %(site)s and source = %(source)s
