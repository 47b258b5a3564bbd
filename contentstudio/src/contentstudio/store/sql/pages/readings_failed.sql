-- The pages that a job could not read, and why.
select url, fault from readings where job_id = %(job_id)s and fault is not null order by url
