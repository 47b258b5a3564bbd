-- Takes due runs, the highest priority first, of steps that this worker knows and that nothing holds back: no switch, no
-- open breaker, no limit that is used up. Invariants: a run is claimed by one worker at a time, no limit is passed, and a
-- half-open breaker lets one run through, however many workers claim at once. All conditions of a claim are in this file.
-- The attempt is counted here, so that a step that kills its process is counted too. The answer also has the seconds until
-- there is a reason to poll again (`next_due`; null without one); with a limit of 0 it has nothing else.
with recursive
-- What may hold the steps back. A guard with neither number is a breaker.
guards as (
    select g.*, g.name like '%%{key}%%' as keyed, g.at_once is null and g.starts is null as is_breaker
    from unnest(%(guard_step)s::text[], %(guard_name)s::text[], %(guard_at_once)s::int[], %(guard_starts)s::int[],
                %(guard_per)s::float8[]) as g (work, name, at_once, starts, per)
),
-- The runs under way of each limit of runs at once.
busy as (
    select replace(g.name, '{key}', r.key) as name, case when g.keyed then r.key else '' end as key, count(*) as runs
    from guards g
    join runs r on r.status = 'running' and r.pipeline || '/' || r.step = g.work
    where g.at_once is not null
    group by 1, 2
),
-- The headroom of each guard: how many more runs it lets through now, where it has a record, and when it will let more
-- through, as far as that can be told (it is open how long a run takes). A half-open breaker lets one through.
headroom as (
    select g.work, g.name as guard, g.is_breaker, g.keyed, b.key,
           case when b.open_until > ledger_now()
                  or exists (select from runs p where p.id = b.probe_run and p.status = 'running')
                then 0 else 1 end::bigint as free, b.open_until as opens_at
    from guards g
    join breakers b on b.open_until is not null and b.name = replace(g.name, '{key}', b.key)
    where g.is_breaker
    union all
    select g.work, g.name, g.is_breaker, g.keyed, n.key,
           least(g.at_once - coalesce(busy.runs, 0), g.starts - recent.starts),
           case when coalesce(busy.runs, 0) < g.at_once or g.at_once is null
                then recent.first + make_interval(secs => g.per) end
    from guards g
    join (select name, key from limits union select name, key from busy) n on n.name = replace(g.name, '{key}', n.key)
    left join busy on busy.name = n.name
    left join limits l on l.name = n.name
    cross join lateral (select count(*) as starts, min(s) as first
                        from unnest(l.starts) s
                        where s > ledger_now() - make_interval(secs => g.per)) recent
    where not g.is_breaker
),
-- The steps that nothing holds as a whole, the keys that are off, and how many quarantined runs this worker has; then the
-- partitions, a step for one key, that are held.
scope as (
    select array(select s.work from unnest(%(steps)s::text[]) as s (work)
                 where not exists (select from switches_off(split_part(s.work, '/', 1), '', split_part(s.work, '/', 2)))
                   and not exists (select from headroom where headroom.work = s.work and not headroom.keyed and headroom.free <= 0))
               as steps,
           array(select substr(scope, 5) from switches where not enabled and scope like 'key:%%') as keys_off,
           (select count(*) from runs o
            where o.status = 'running' and o.worker = %(worker)s and o.losses >= %(suspect)s) as quarantined
),
held_partitions as (
    select headroom.work || ' ' || headroom.key as partition from headroom where headroom.keyed and headroom.free <= 0
),
levels as (
    (select priority from runs where status = 'queued' order by priority desc limit 1)
    union all
    select (select r.priority from runs r
            where r.status = 'queued' and r.priority < levels.priority order by r.priority desc limit 1)
    from levels
    where levels.priority is not null
),
due as (
    select d.*, row_number() over () as place
    from (select r.*
          from levels
          cross join lateral (
              select r.id, r.losses, r.key, r.pipeline || '/' || r.step as work
              from runs r
              where r.status = 'queued'
                and r.priority = levels.priority
                and r.due_at <= ledger_now()
                and r.pipeline || '/' || r.step = any((select steps from scope)::text[])
                and (%(keys)s::text[] is null or r.key = '' or r.key = any(%(keys)s::text[]))
                and r.key <> all((select keys_off from scope)::text[])
                and r.pipeline || '/' || r.step || ' ' || r.key not in (select partition from held_partitions)
                and (r.losses < %(suspect)s or (select quarantined from scope) = 0)
              order by r.due_at, r.id
              limit %(limit)s
              for update skip locked) r
          limit %(limit)s) d
),
-- A run that crashed its worker several times is quarantined: a worker runs one of those at a time, so that those that only
-- ran beside a crash come to their end.
healthy as (
    select * from due where losses < %(suspect)s
    union all
    (select * from due where losses >= %(suspect)s order by id limit 1)
),
-- The position of each run in the queue of each of its guards.
positions as (
    select s.id, g.name as guard, replace(g.name, '{key}', s.key) as name, case when g.keyed then s.key else '' end as key,
           g.is_breaker, g.starts, g.per,
           row_number() over (partition by g.is_breaker, replace(g.name, '{key}', s.key) order by s.place) as position,
           coalesce((select r.free from headroom r
                     where r.work = g.work and r.guard = g.name and r.is_breaker = g.is_breaker
                       and r.key = case when g.keyed then s.key else '' end),
                    least(g.at_once, g.starts)) as free
    from healthy s join guards g on g.work = s.work
),
fitting as (
    select id from positions group by id having bool_and(free is null or position <= free)
),
-- Limits and half-open breakers are shared with other workers. The first takes the headroom; the version, and the moment
-- to which a breaker is open, refuse those who read before that commit. They claim again.
admitted as (
    insert into limits (name, key, version, starts)
    select t.name, t.key, coalesce(max(l.version), 0) + 1,
           coalesce((select array_agg(s order by s) from unnest(max(l.starts)) s
                     where s > ledger_now() - make_interval(secs => max(t.per))), '{}')
           || case when max(t.starts) is null then '{}' else array_fill(ledger_now(), array[count(distinct t.id)::int]) end
    from positions t
    join fitting using (id)
    left join limits l on l.name = t.name
    where not t.is_breaker
    group by t.name, t.key
    order by t.name
    on conflict (name) do update set version = excluded.version, starts = excluded.starts
        where limits.version = excluded.version - 1
    returning name
),
passing as (
    select id from fitting
    where not exists (select from positions t
                      where t.id = fitting.id and not t.is_breaker and t.name not in (select name from admitted))
),
probes as (
    update breakers b
    set open_until = ledger_now() + make_interval(secs => %(pause)s), probe_run = t.id, version = b.version + 1
    from positions t join passing using (id)
    where t.is_breaker and t.free is not null and b.name = t.name and b.open_until <= ledger_now()
    returning b.name, t.id
),
chosen as (
    select s.id, s.place
    from healthy s
    where s.work not in (select work from guards)
       or s.id in (select p.id from passing p
                   where not exists (select from positions t
                                     where t.id = p.id and t.is_breaker and t.free is not null
                                       and t.name not in (select name from probes)))
),
claimed as (
    update runs
    set status = 'running', attempt = runs.attempt + 1, worker = %(worker)s, started_at = ledger_now(),
        leased_at = ledger_now(), lease_until = ledger_now() + make_interval(secs => %(lease)s), finished_at = null
    from chosen
    where runs.id = chosen.id
    returning runs.id, runs.job_id, runs.step, runs.pipeline, runs.key, runs.attempt, runs.failures,
              runs.input::text as input, runs.origin,
              extract(epoch from runs.deadline_at - ledger_now())::float8 as time_left, chosen.place
),
-- What is queued, where a breaker or a limit holds anything at all.
waiting as (
    select r.pipeline || '/' || r.step as work, r.key, min(r.due_at) as due_at
    from runs r
    where r.status = 'queued'
      and exists (select from headroom where headroom.free <= 0)
      and r.pipeline || '/' || r.step = any(%(steps)s::text[])
      and (%(keys)s::text[] is null or r.key = '' or r.key = any(%(keys)s::text[]))
      and r.key <> all((select keys_off from scope)::text[])
      and not exists (select from switches_off(r.pipeline, r.key, r.step))
    group by 1, 2
),
-- The first of what is not held and not taken; what only a breaker or a limit holds; each seen as at the start.
ahead as (
    select min(f.due_at) as due_at
    from levels
    cross join lateral (
        select r.due_at
        from runs r
        where r.status = 'queued'
          and r.priority = levels.priority
          and r.pipeline || '/' || r.step = any((select steps from scope)::text[])
          and (%(keys)s::text[] is null or r.key = '' or r.key = any(%(keys)s::text[]))
          and r.key <> all((select keys_off from scope)::text[])
          and r.pipeline || '/' || r.step || ' ' || r.key not in (select partition from held_partitions)
          and r.id not in (select id from chosen)
        order by r.due_at
        limit 1) f
    union all
    select min(greatest(w.due_at, headroom.opens_at, ledger_now()))
    from waiting w
    join headroom on headroom.free <= 0 and headroom.work = w.work and (not headroom.keyed or headroom.key = w.key)
)
select n.next_due, c.id, c.job_id, c.step, c.pipeline, c.key, c.attempt, c.failures, c.input, c.time_left, c.origin
from (select case when %(limit)s = 0 or (select count(*) from chosen) < %(limit)s
                  then (select extract(epoch from min(due_at) - ledger_now())::float8 from ahead) end as next_due) n
left join claimed c on true
order by c.place
