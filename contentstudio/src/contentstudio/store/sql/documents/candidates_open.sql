-- The pages on which nobody has decided yet, each with the vector of its text.
select c.url, c.snapshot as sha256, c.sha256 as text_sha256, s.title, s.text, s.published_at, e.vector::real[] as vector
from candidates c
join snapshots s on s.sha256 = c.snapshot
join embeddings e on e.sha256 = c.sha256 and e.provider = %(provider)s
where c.site = %(site)s and c.chosen_by is null
order by c.url
