-- What was found for an idea until a day: the latest find first, of each page the latest text.
with found as (
    select c.found_on, u.place, u.snapshot
    from choices c, unnest(c.snapshots) with ordinality as u (snapshot, place)
    where c.site = %(site)s and c.target = %(slug)s and (%(until)s::date is null or c.found_on <= %(until)s)
    union all
    select found_on, 1, snapshot from topics where site = %(site)s and slug = %(slug)s
),
latest as (
    select distinct on (s.url) s.*, f.found_on, f.place
    from found f join snapshots s on s.sha256 = f.snapshot
    order by s.url, f.found_on desc, s.read_at desc
)
select url, title, text, sha256, language, published_at, author
from latest
order by found_on desc, place, url
