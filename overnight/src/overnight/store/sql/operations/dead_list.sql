-- Dead letters that fit with all there is to know of them, newest first; the conditions are those of dead_find.sql. The
-- letter that ended the last page has died at `before_at` and is called `before_id`: many die at the same moment. Only what
-- is on the page is read with its history.
with page as (
    select id, kind
    from dead_letters
    where (%(job)s::text is null or job_id = %(job)s)
      and (%(pipeline)s::text is null or pipeline = %(pipeline)s)
      and (%(step)s::text is null or step = %(step)s)
      and (%(key)s::text is null or key = %(key)s)
      and (%(error)s::text is null or strpos(lower(error), lower(%(error)s)) > 0)
      and (%(since)s::timestamptz is null or died_at >= %(since)s)
      and (%(until)s::timestamptz is null or died_at < %(until)s)
      and (%(group)s::text is null or failure_group(pipeline, step, error) = %(group)s)
      and (%(before_at)s::timestamptz is null or (died_at, id) < (%(before_at)s, %(before_id)s::bigint))
    order by died_at desc, id desc
    limit %(limit)s
)
select d.id, d.kind, d.job_id, d.step, d.pipeline, d.key, d.origin, d.input, d.error, d.error_class, d.failures, d.losses,
       d.cost_usd, d.died_at, d.attempts
from page p
cross join lateral (select * from dead_letters l where l.id = p.id and l.kind = p.kind offset 0) d -- one by one
order by d.died_at desc, d.id desc
