-- The job that stands where one was whose place a later event took, from the first digits of that one's id.
select p.job_id, r.job_id as standing
from replaced_jobs p join runs r on r.id = p.run_id
where starts_with(p.job_id, %(prefix)s) and r.job_id <> p.job_id
order by p.job_id
limit 1
