select boot_id, host, pid, started_at, seen_at,
       exists (select from pg_locks l
               where l.locktype = 'advisory' and l.objsubid = 1 and l.mode = 'ExclusiveLock' and l.granted
                 and l.database = (select oid from pg_database where datname = current_database())
                 and (l.classid::bigint << 32 | l.objid::bigint) = w.lock_key) as alive
from workers w
where stopped_at is null
order by started_at
