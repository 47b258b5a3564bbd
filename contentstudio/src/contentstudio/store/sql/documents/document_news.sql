-- What was read and is not in an article: the latest texts of its sources, and the stories near it that were passed over
-- since it was published. `changed` tells the former.
with used as (
    select unnest(c.snapshots) as snapshot from choices c where c.site = %(site)s and c.target = %(slug)s
    union
    select t.snapshot from topics t where t.site = %(site)s and t.slug = %(slug)s
),
sources as (
    select distinct s.url from used u join snapshots s on s.sha256 = u.snapshot
),
latest as (
    select distinct on (p.url) p.url, p.snapshot
    from sources s join page_snapshots p on p.url = s.url
    order by p.url, p.since desc
)
select l.snapshot, l.url, true as changed
from latest l
where l.snapshot not in (select snapshot from used)
union all
select distinct n.snapshot, s.url, false
from choices c, unnest(c.snapshots) as n (snapshot), snapshots s
where c.site = %(site)s and c.decision = 'skip' and c.near in (%(slug)s, %(url)s) and c.chosen_at > %(updated_at)s
  and s.sha256 = n.snapshot
  and s.url not in (select url from sources)
order by changed desc, url
