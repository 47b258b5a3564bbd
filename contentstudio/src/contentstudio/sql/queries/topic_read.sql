select t.title, s.url, s.title as page_title, s.text, s.sha256, s.language, s.published_at
from topics t join snapshots s on s.sha256 = t.snapshot
where t.site = %(site)s and t.slug = %(slug)s
