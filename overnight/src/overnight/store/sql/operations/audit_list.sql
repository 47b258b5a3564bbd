-- What people did, the newest first, a page at a time: `before` is the last action of the page before. A target fits that
-- begins with `target`: a job by its first digits, too. `is_job` says that its page is there.
with page as (
    select id, verb, target, step, reason, seen, by, at
    from actions
    where (%(by)s::text is null or by = %(by)s)
      and (%(verb)s::text is null or verb = %(verb)s)
      and (%(target)s::text is null or starts_with(target, %(target)s))
      and (%(before)s::bigint is null or id < %(before)s)
    order by id desc
    limit %(limit)s
)
select id, verb, target, step, reason, seen as revision, by, at,
       exists (select from runs r where r.job_id = p.target) as is_job
from page p
order by id desc
