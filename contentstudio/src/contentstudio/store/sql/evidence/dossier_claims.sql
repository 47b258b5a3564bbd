-- What was found for the claims of a job, with what is known of the texts. A text may have gone; what was found stays.
select e.text_sha256, e.snapshot, e.quoted, e.url, s.title, s.published_at, s.read_at, e.passage, e.similarity, e.verdict
from evidence e
left join snapshots s on s.sha256 = e.snapshot
where e.job_id = %(job_id)s
