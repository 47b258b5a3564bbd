-- Keeps what was found for the claims of a draft. A claim that was looked at before stays as it was found.
insert into evidence (job_id, site, slug, text_sha256, claim, text, source, snapshot, url, span_start, span_end, passage,
                      similarity, quoted, verdict)
select %(job_id)s, %(site)s, %(slug)s, *
from unnest(%(text_sha256)s::text[], %(claim)s::int[], %(text)s::text[], %(source)s::text[], %(snapshot)s::text[],
            %(url)s::text[], %(span_start)s::int[], %(span_end)s::int[], %(passage)s::text[], %(similarity)s::float8[],
            %(quoted)s::boolean[], %(verdict)s::text[])
on conflict do nothing
