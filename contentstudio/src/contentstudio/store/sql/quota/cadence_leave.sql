-- What waits for a person gives its places back.
update cadence set jobs = array_remove(jobs, %(job_id)s) where site = %(site)s and %(job_id)s = any(jobs)
