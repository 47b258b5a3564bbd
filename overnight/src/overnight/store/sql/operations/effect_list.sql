-- External writes: those whose outcome nobody knows first, then the newest. Each kind is read in its order, as far as needed.
-- The write that ended the last page was done or not, and is called `before_id`.
with page as (
    (select * from effects
     where status = 'intended' and (%(job_id)s::text is null or job_id = %(job_id)s)
       and (%(before_id)s::bigint is null or not %(before_done)s::boolean and id < %(before_id)s)
     order by id desc
     limit %(limit)s)
    union all
    (select * from effects
     where status = 'done' and not %(open)s and (%(job_id)s::text is null or job_id = %(job_id)s)
       and (%(before_id)s::bigint is null or not %(before_done)s::boolean or id < %(before_id)s)
     order by id desc
     limit %(limit)s)
)
select e.id, e.job_id, r.pipeline || '/' || r.step as step, r.key, e.name, e.content_hash, e.status, e.attempt, e.result,
       e.intended_at, e.done_at, r.status as run_status
from page e
left join runs r on r.id = e.run_id
order by e.status = 'done', e.id desc
limit %(limit)s
