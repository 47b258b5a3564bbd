-- What waits, and for what. Of a long line the first runs alone are looked at, in the order of their turn: `more` says that
-- there are others behind them. They are put together before anybody asks what holds them, for there are few steps and
-- keys. What a switch, an open breaker or a limit of runs at once holds is due, and counted apart from what is free.
with line as (
    select pipeline, step, key, pipeline || '/' || step as work, count(*) as runs,
           count(*) filter (where due_at <= ledger_now()) as due, min(due_at) as first_due
    from (select pipeline, step, key, due_at from runs
          where status = 'queued' order by priority desc, due_at, id limit %(limit)s) q
    group by pipeline, step, key
),
running as (
    select pipeline || '/' || step as work, key, count(*) as runs from runs where status = 'running' group by 1, 2
),
guards as (
    select g.*, g.name like '%%{key}%%' as is_keyed
    from unnest(%(guard_step)s::text[], %(guard_name)s::text[], %(guard_at_once)s::int[], %(guard_starts)s::int[])
        as g (work, name, at_once, starts)
),
judged as (
    select l.*,
           case when switched_off(l.pipeline, l.key, l.step) is not null then 'switch'
                when exists (select from guards g join breakers b on b.name = replace(g.name, '{key}', l.key)
                             where g.work = l.work and g.at_once is null and g.starts is null
                               and b.open_until > ledger_now()) then 'breaker'
                when exists (select from guards g
                             where g.work = l.work
                               and g.at_once <= (select sum(r.runs) from guards o join running r on r.work = o.work
                                                 where o.name = g.name and o.at_once is not null
                                                   and (not g.is_keyed or r.key = l.key))) then 'limit'
           end as held_by
    from line l
)
select coalesce(sum(due) filter (where held_by is null), 0)::bigint as due,
       coalesce(sum(due) filter (where held_by = 'switch'), 0)::bigint as held,
       coalesce(sum(due) filter (where held_by = 'breaker'), 0)::bigint as held_by_breaker,
       coalesce(sum(due) filter (where held_by = 'limit'), 0)::bigint as held_by_limit,
       coalesce(sum(runs - due), 0)::bigint as waiting,
       coalesce(sum(runs), 0) >= %(limit)s as more,
       (select coalesce(sum(runs), 0)::bigint from running) as running,
       (select count(*) from runs where status = 'needs_review') as needs_review,
       (select count(*) from runs where status = 'dead') as dead,
       extract(epoch from ledger_now() - min(first_due) filter (where due > 0 and held_by is null))::float8
           as oldest_due_seconds
from judged
