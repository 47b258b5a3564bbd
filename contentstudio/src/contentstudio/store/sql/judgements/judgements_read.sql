-- What a judge found of the texts of a job, those of drafts that were rewritten since among them.
select key, text, ruling, passages, why, conflicts, judge from judgements where job_id = %(job_id)s order by judged_at, key
