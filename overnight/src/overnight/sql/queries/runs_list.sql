-- The newest runs that fit, a page at a time: `before` is the id with which the last page ended. What waits for a person is
-- little beside the rest, and is read by its own index.
with page as (
    (select id from runs
     where coalesce(%(status)s::text not in ('needs_review', 'dead'), true)
       and (%(status)s::text is null or status = %(status)s)
       and (%(pipeline)s::text is null or pipeline = %(pipeline)s)
       and (%(key)s::text is null or key = %(key)s)
       and (%(before)s::bigint is null or id < %(before)s)
     order by id desc
     limit %(limit)s)
    union all
    (select id
     from (select id, pipeline, key from runs
           where %(status)s::text in ('needs_review', 'dead') and status in ('needs_review', 'dead')
             and status = %(status)s
           offset 0) w
     where (%(pipeline)s::text is null or pipeline = %(pipeline)s)
       and (%(key)s::text is null or key = %(key)s)
       and (%(before)s::bigint is null or id < %(before)s)
     order by id desc
     limit %(limit)s)
)
select id, job_id, step, pipeline, key, status, outcome, attempt, failures, cost_usd, created_at, started_at, finished_at,
       due_at, error
from page join runs using (id)
order by id desc
