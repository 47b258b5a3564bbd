select step, status from runs where job_id = %(job_id)s order by id
