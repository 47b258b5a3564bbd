-- The notes of a job in their order.
select job_id, site, slug, id, text, span, span_start, span_end, snapshot, url, title, author, published_at, hosts,
       contradicts, created_at
from notes
where job_id = %(job_id)s
order by length(id), id
