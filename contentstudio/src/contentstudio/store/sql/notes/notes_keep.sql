-- Keeps what the research of a job found, in the place of what an earlier attempt of it had found.
with gone as (
    delete from notes where job_id = %(job_id)s and not id = any(%(id)s::text[])
)
insert into notes (job_id, site, slug, id, text, span, span_start, span_end, snapshot, url, title, author, published_at,
                   hosts, contradicts)
select %(job_id)s, %(site)s, %(slug)s, n.id, n.text, n.span, n.span_start, n.span_end, n.snapshot, n.url, n.title, n.author,
       n.published_at, array(select jsonb_array_elements_text(n.hosts)), array(select jsonb_array_elements_text(n.contradicts))
from jsonb_to_recordset(%(notes)s::jsonb)
     as n (id text, text text, span text, span_start int, span_end int, snapshot text, url text, title text, author text,
           published_at timestamptz, hosts jsonb, contradicts jsonb)
on conflict (job_id, id) do update
set text = excluded.text, span = excluded.span, span_start = excluded.span_start, span_end = excluded.span_end,
    snapshot = excluded.snapshot, url = excluded.url, title = excluded.title, author = excluded.author,
    published_at = excluded.published_at, hosts = excluded.hosts, contradicts = excluded.contradicts
