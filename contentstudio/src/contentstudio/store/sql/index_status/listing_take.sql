-- Takes what a ping is to tell: all pages of this origin that changed since one arrived, if nobody has told of them
-- lately. What another worker takes at this moment is left to it, so no URL is told twice. The page that the ping is for
-- comes first: whatever else there is, it has its place. A page that was noted after this statement's clock was read,
-- and is seen all the same, is told of too: the moment of telling is no earlier than any change it tells of.
with chosen as (
    select site, slug, changed_at from listings
    where site = %(site)s and starts_with(url, %(origin)s)
      and (submitted_at is null or submitted_at < changed_at)
      and (told_at is null or told_at <= ledger_now() - make_interval(secs => %(apart)s))
    order by url <> %(url)s, changed_at
    limit %(most)s
    for update skip locked
)
update listings l set told_at = (select greatest(ledger_now(), max(changed_at)) from chosen)
from chosen
where l.site = chosen.site and l.slug = chosen.slug
returning l.url, l.told_at
