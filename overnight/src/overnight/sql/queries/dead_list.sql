-- Dead letters that fit with all there is to know of them, newest first; the conditions are those of dead_find.sql. The
-- letter that ended the last page has died at `before_at` and is called `before_id`: many die at the same moment.
select id, kind, job_id, step, pipeline, key, origin, input, error, error_class, failures, losses, cost_usd, died_at, attempts
from dead_letters
where (%(job)s::text is null or job_id = %(job)s)
  and (%(pipeline)s::text is null or pipeline = %(pipeline)s)
  and (%(step)s::text is null or step = %(step)s)
  and (%(key)s::text is null or key = %(key)s)
  and (%(error)s::text is null or strpos(lower(error), lower(%(error)s)) > 0)
  and (%(since)s::timestamptz is null or died_at >= %(since)s)
  and (%(until)s::timestamptz is null or died_at < %(until)s)
  and (%(before_at)s::timestamptz is null or (died_at, id) < (%(before_at)s, %(before_id)s::bigint))
order by died_at desc, id desc
limit %(limit)s
