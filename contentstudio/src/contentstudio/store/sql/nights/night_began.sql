-- When a night was begun.
select min(created_at) as at from runs where job_id = %(job_id)s
