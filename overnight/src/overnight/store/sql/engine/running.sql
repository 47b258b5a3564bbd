-- How many runs that this worker could have run have an owner, whoever it is.
select count(*) as running
from runs r
where r.status = 'running'
  and r.pipeline || '/' || r.step = any(%(steps)s::text[])
  and (%(keys)s::text[] is null or r.key = '' or r.key = any(%(keys)s::text[]))
