-- The article that a job works on, or did.
select site, slug from articles where job_id = %(job_id)s
union all
select site, slug from versions where job_id = %(job_id)s
limit 1
