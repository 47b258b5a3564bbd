-- The last day of a site's figures: of search engines, which are late, where there are any.
select coalesce(max(day) filter (where source = 'search_console'), max(day)) as last
from article_results
where site = %(site)s
