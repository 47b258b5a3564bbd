-- What a job published last.
select draft, at from versions where job_id = %(job_id)s order by at desc limit 1
