-- The runs that fit, a page at a time: `before` is the id with which the last page ended. With `jobs` only the last run of each
-- job fits, for that is where the job stands. The newest come first; but what is queued comes in the order of its turn, and of
-- what ended the latest end is first, for so each kind is read by its index, however much of another kind lies between. What
-- has no end on record is the last.
with last as (
    select priority, due_at, finished_at from runs where id = %(before)s
),
page as (
    (select id from runs
     where coalesce(%(status)s::text = 'running', true)
       and (%(status)s::text is null or status = %(status)s)
       and (%(pipeline)s::text is null or pipeline = %(pipeline)s)
       and (%(key)s::text is null or key = %(key)s)
       and (not %(jobs)s or not exists (select from runs n where n.job_id = runs.job_id and n.id > runs.id offset 0))
       and (%(before)s::bigint is null or id < %(before)s)
     order by id desc
     limit %(limit)s)
    union all
    (select id from runs -- for a person
     where %(status)s::text in ('needs_review', 'dead') and status in ('needs_review', 'dead')
       and status = %(status)s
       and (%(pipeline)s::text is null or pipeline = %(pipeline)s)
       and (%(key)s::text is null or key = %(key)s)
       and (not %(jobs)s or not exists (select from runs n where n.job_id = runs.job_id and n.id > runs.id offset 0))
       and (%(before)s::bigint is null or id < %(before)s)
     order by id desc
     limit %(limit)s)
    union all
    (select id from runs -- as important as the last one, or the first page
     where %(status)s::text = 'queued' and status = 'queued'
       and (%(pipeline)s::text is null or pipeline = %(pipeline)s)
       and (%(key)s::text is null or key = %(key)s)
       and (not %(jobs)s or not exists (select from runs n where n.job_id = runs.job_id and n.id > runs.id offset 0))
       and (%(before)s::bigint is null
            or priority = (select priority from last) and (due_at, id) > ((select due_at from last), %(before)s))
     order by priority desc, due_at, id
     limit %(limit)s)
    union all
    (select id from runs -- less important than the last one
     where %(status)s::text = 'queued' and status = 'queued' and %(before)s::bigint is not null
       and (%(pipeline)s::text is null or pipeline = %(pipeline)s)
       and (%(key)s::text is null or key = %(key)s)
       and (not %(jobs)s or not exists (select from runs n where n.job_id = runs.job_id and n.id > runs.id offset 0))
       and priority < (select priority from last)
     order by priority desc, due_at, id
     limit %(limit)s)
    union all
    (select id from runs -- with its payloads
     where %(status)s::text = 'succeeded' and status in ('succeeded', 'cancelled') and emptied_at is null
       and status = 'succeeded' and finished_at is not null
       and (%(pipeline)s::text is null or pipeline = %(pipeline)s)
       and (%(key)s::text is null or key = %(key)s)
       and (not %(jobs)s or not exists (select from runs n where n.job_id = runs.job_id and n.id > runs.id offset 0))
       and (%(before)s::bigint is null or (finished_at, id) < ((select finished_at from last), %(before)s))
     order by finished_at desc, id desc
     limit %(limit)s)
    union all
    (select id from runs -- without them
     where %(status)s::text = 'succeeded' and emptied_at is not null and status = 'succeeded' and finished_at is not null
       and (%(pipeline)s::text is null or pipeline = %(pipeline)s)
       and (%(key)s::text is null or key = %(key)s)
       and (not %(jobs)s or not exists (select from runs n where n.job_id = runs.job_id and n.id > runs.id offset 0))
       and (%(before)s::bigint is null or (finished_at, id) < ((select finished_at from last), %(before)s))
     order by finished_at desc, id desc
     limit %(limit)s)
    union all
    (select id from runs -- with or without
     where %(status)s::text = 'cancelled' and status = 'cancelled' and finished_at is not null
       and (%(pipeline)s::text is null or pipeline = %(pipeline)s)
       and (%(key)s::text is null or key = %(key)s)
       and (not %(jobs)s or not exists (select from runs n where n.job_id = runs.job_id and n.id > runs.id offset 0))
       and (%(before)s::bigint is null or (finished_at, id) < ((select finished_at from last), %(before)s))
     order by finished_at desc, id desc
     limit %(limit)s)
    union all
    (select id from runs -- without an end on record
     where %(status)s::text in ('succeeded', 'cancelled') and status in ('succeeded', 'cancelled') and emptied_at is null
       and status = %(status)s and finished_at is null
       and (%(pipeline)s::text is null or pipeline = %(pipeline)s)
       and (%(key)s::text is null or key = %(key)s)
       and (not %(jobs)s or not exists (select from runs n where n.job_id = runs.job_id and n.id > runs.id offset 0))
       and (%(before)s::bigint is null or (select finished_at from last) is not null or id < %(before)s)
     order by finished_at desc, id desc
     limit %(limit)s)
)
select id, job_id, step, pipeline, key, status, outcome, attempt, failures, cost_usd, created_at, started_at, finished_at,
       due_at, error
from page join runs using (id)
order by case when %(status)s::text = 'queued' then priority end desc, case when %(status)s::text = 'queued' then due_at end,
         case when %(status)s::text = 'queued' then id end,
         case when %(status)s::text in ('succeeded', 'cancelled') then finished_at end desc nulls last, id desc
limit %(limit)s
