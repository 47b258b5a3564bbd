-- The documents of a site that are most like a text, and the one that has its slug, the likest first.
select d.slug, d.kind, d.title, d.url, d.reason, d.updated_at, likeness(e.vector, q.vector) as likeness
from embeddings q
join documents d on d.site = %(site)s
join embeddings e on e.sha256 = d.sha256 and e.provider = q.provider and e.dimension = q.dimension
where q.sha256 = %(text_sha256)s and q.provider = %(provider)s
order by d.slug = %(slug)s desc, likeness desc, d.slug
limit %(most)s
