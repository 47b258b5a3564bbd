-- The job ids that begin so: people type the first digits.
select distinct job_id from runs where job_id = %(prefix)s or starts_with(job_id, %(prefix)s) order by job_id limit 3
