select id, step, pipeline, key, status, attempt, outcome, origin from runs where job_id = %(job_id)s order by id
