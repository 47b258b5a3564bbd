-- What this worker may still have to do, in one look and by the same conditions as claim.sql: seconds until the next run
-- that it could claim is due (negative when it is overdue, null where there is none), and how many have an owner.
select (select extract(epoch from r.due_at - ledger_now())::float8
        from runs r
        where r.status = 'queued'
          and r.pipeline || '/' || r.step = any(%(steps)s::text[])
          and (%(keys)s::text[] is null or r.key = '' or r.key = any(%(keys)s::text[]))
          and 'all' <> all(array(select scope from switches where not enabled))
          and 'pipeline:' || r.pipeline <> all(array(select scope from switches where not enabled))
          and 'key:' || r.key <> all(array(select scope from switches where not enabled))
          and 'step:' || r.pipeline || '/' || r.step <> all(array(select scope from switches where not enabled))
        order by r.due_at
        limit 1) as next_due,
       (select count(*) from runs r
        where r.status = 'running'
          and r.pipeline || '/' || r.step = any(%(steps)s::text[])
          and (%(keys)s::text[] is null or r.key = '' or r.key = any(%(keys)s::text[]))) as running
