select id, job_id, step, pipeline, key, output::text as output from runs
where job_id = %(job_id)s and status = 'needs_review'
