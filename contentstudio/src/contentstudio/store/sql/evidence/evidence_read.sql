-- The evidence of a job, or of all jobs of a site, in the order in which it was found.
select job_id, site, slug, claim, text, source, snapshot, url, span_start, span_end, passage, similarity, quoted, verdict,
       text_sha256, checked_at
from evidence
where job_id = %(job_id)s or site = %(site)s
order by checked_at, job_id, claim
