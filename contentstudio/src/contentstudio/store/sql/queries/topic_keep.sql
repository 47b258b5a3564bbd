-- Keeps the first topic of a slug and says which one that is; the update changes nothing, but it sees a row that another
-- one inserted a moment ago.
insert into topics (site, slug, title, url, snapshot, score, factors, found_on)
values (%(site)s, %(slug)s, %(title)s, %(url)s, %(snapshot)s, %(score)s, %(factors)s::jsonb, %(found_on)s)
on conflict (site, slug) do update set slug = excluded.slug
returning url, found_on
