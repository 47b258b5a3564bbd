-- What an article was written from: every snapshot that was chosen for it, with its URL.
select distinct s.url, s.sha256
from choices c
join snapshots s on s.sha256 = any(c.snapshots)
where c.site = %(site)s and c.target = %(slug)s
union
select s.url, s.sha256 from topics t join snapshots s on s.sha256 = t.snapshot
where t.site = %(site)s and t.slug = %(slug)s
