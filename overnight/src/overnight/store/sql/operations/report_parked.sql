-- Queued runs that no worker of this app would claim: their step or key is not known to it (renamed, or taken out). They
-- are the first of the line, for nobody takes them, so a part of a long line tells.
select work as step, key, sum(runs)::bigint as count
from (select pipeline || '/' || step as work, key, count(*) as runs
      from (select pipeline, step, key from runs
            where status = 'queued' order by priority desc, due_at, id limit %(limit)s) q
      group by pipeline, step, key) l
where not (work = any(%(steps)s::text[])
           and (%(keys)s::text[] is null or key = '' or key = any(%(keys)s::text[])))
group by work, key
order by work, key
