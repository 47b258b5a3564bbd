-- Keeps the first topic of a slug and says which one that is.
with new as (
    insert into topics (site, slug, title, url, snapshot, score, factors, found_on)
    values (%(site)s, %(slug)s, %(title)s, %(url)s, %(snapshot)s, %(score)s, %(factors)s::jsonb, %(found_on)s)
    on conflict (site, slug) do nothing
    returning url, found_on
)
select url, found_on from new
union all
select url, found_on from topics where site = %(site)s and slug = %(slug)s
limit 1
