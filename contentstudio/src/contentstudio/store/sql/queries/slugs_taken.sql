-- Which of these slugs a site's topics and documents have, with the titles of their stories; and the topic of this title.
select distinct on (slug) slug, title
from (
    select slug, title, 0 as rank from topics where site = %(site)s and (slug = any(%(slugs)s) or title = %(title)s)
    union all
    select slug, title, 1 from documents where site = %(site)s and slug = any(%(slugs)s)
) as taken
order by slug, rank
