-- Opens alerts, or counts once more on those that are open. One row of a kind and subject in each call.
select raise_alert(a.kind, a.subject, a.text, a.job_id) as alert
from unnest(%(kind)s::text[], %(subject)s::text[], %(text)s::text[], %(job_id)s::text[]) as a (kind, subject, text, job_id)
