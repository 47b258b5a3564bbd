-- The job of a run.
select job_id, pipeline from runs where id = %(id)s
