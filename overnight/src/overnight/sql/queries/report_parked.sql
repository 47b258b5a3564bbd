-- Queued runs that no worker of this app would claim: their step or key is not known to it (renamed, or taken out).
select pipeline || '/' || step as step, key, count(*) as count
from runs
where status = 'queued'
  and not (pipeline || '/' || step = any(%(steps)s::text[])
           and (%(keys)s::text[] is null or key = '' or key = any(%(keys)s::text[])))
group by 1, 2
order by 1, 2
