-- What the gates said of a job, the latest attempt and rewrite last.
select attempt, rewrite, gate, passed, reason, at from verdicts where job_id = %(job_id)s order by attempt, rewrite, at, gate
