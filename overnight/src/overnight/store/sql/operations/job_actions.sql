-- What people did with a job, oldest first.
select verb, step, reason, seen as revision, was, by, at from actions where target = %(job_id)s order by id
