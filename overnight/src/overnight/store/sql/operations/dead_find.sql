-- Which dead letters there are of those that fit, oldest first: the ids of runs, and those of messages.
select coalesce(array_agg(id order by died_at, id) filter (where kind = 'run'), '{}') as runs,
       coalesce(array_agg(id order by died_at, id) filter (where kind = 'message'), '{}') as messages
from dead_letters
where (%(job)s::text is null or job_id = %(job)s)
  and (%(pipeline)s::text is null or pipeline = %(pipeline)s)
  and (%(step)s::text is null or step = %(step)s)
  and (%(key)s::text is null or key = %(key)s)
  and (%(error)s::text is null or strpos(lower(error), lower(%(error)s)) > 0)
  and (%(since)s::timestamptz is null or died_at >= %(since)s)
  and (%(until)s::timestamptz is null or died_at < %(until)s)
  and (%(group)s::text is null or failure_group(pipeline, step, error) = %(group)s)
