-- External writes: those whose outcome nobody knows first, then the newest.
select e.id, e.job_id, r.pipeline || '/' || r.step as step, r.key, e.name, e.content_hash, e.status, e.attempt, e.result,
       e.intended_at, e.done_at, r.status as run_status
from effects e
left join runs r on r.id = e.run_id
where (%(job_id)s::text is null or e.job_id = %(job_id)s)
  and (not %(open)s or e.status = 'intended')
order by e.status = 'done', e.id desc
limit %(limit)s
