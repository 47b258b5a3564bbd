-- Jobs whose id begins so, each with the pipeline of its first step. Planned anew for each prefix: only then it is a part
-- of the index.
select j.job_id, (select r.pipeline from runs r where r.job_id = j.job_id order by r.id limit 1) as pipeline
from (select distinct job_id from runs where starts_with(job_id, %(prefix)s) order by job_id limit 8) j
