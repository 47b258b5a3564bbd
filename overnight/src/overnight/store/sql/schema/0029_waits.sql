-- Joins and waits. A run that waits is a queued run that is due at its time-out. What it waits for is a row beside it, and
-- whoever fulfils that makes the run due, in the transaction of the fulfilling write. A wait ends with the first attempt:
-- `queued` and attempt 0 are the guard of each fulfilment. No foreign keys: these rows go with their run, and a run that
-- waits for nothing pays nothing.

-- True: a join took the job of this run as its child while the run was open. Null: none did.
alter table runs add column adopted boolean;

create table waits (
    run_id       bigint primary key,
    event        text,        -- of a wait for an event: its name and its key
    key          text,
    dead         text check (dead in ('wait', 'skip', 'fail')), -- of a join: what a dead child is to it
    missing      integer,     -- of a join: the children that have yet to end until it begins
    fulfilled_at timestamptz, -- null where the run has begun: the time-out began it
    check (num_nulls(event, key) in (0, 2) and num_nulls(dead, missing) in (0, 2) and num_nulls(event, dead) = 1)
);
create index waits_open on waits (event, key, run_id) where fulfilled_at is null and event is not null;

-- The children of a join, in the order of spawning. One that has ended stays so, though it may be replayed.
create table wait_jobs (
    run_id   bigint not null,
    job_id   text not null,
    position integer not null,
    ended    boolean not null default false,
    primary key (run_id, job_id)
);
create index wait_jobs_open on wait_jobs (job_id, run_id) where not ended;

-- Events that are kept for runs that wait, or will wait. Each is given to one run, and a run is given one.
create table events (
    id          bigint generated always as identity primary key,
    event       text not null,
    key         text not null,
    payload     jsonb,
    received_at timestamptz not null default ledger_now(),
    run_id      bigint
);
create index events_open on events (event, key, id) where run_id is null;
create unique index events_given on events (run_id) where run_id is not null;
create index events_received on events (received_at);

-- The joins of these jobs hear of them: those that have ended are marked, once, and a join that misses no more children is
-- due now. Returns the jobs of these joins. A job has ended when no run of it is queued, running or in review; a dead run is
-- judged by the join. The rows of the waits are locked first: of two who end the last children, or two runs of one child,
-- the second sees in its next statement what the first has committed.
create function end_jobs(jobs text[]) returns text[] language plpgsql as $$
declare
    begun text[];
begin
    perform from waits w
    where w.run_id in (select j.run_id from wait_jobs j where j.job_id = any(jobs) and not j.ended)
    order by w.run_id
    for update;
    if not found then
        return '{}';
    end if;
    with over as (
        select j.run_id, j.job_id, w.dead = 'fail' and r.dead as fails
        from wait_jobs j
        join waits w using (run_id)
        cross join lateral (
            select coalesce(bool_or(o.status in ('queued', 'running', 'needs_review')), false) as open,
                   coalesce(bool_or(o.status = 'dead'), false) as dead
            from runs o where o.job_id = j.job_id) r
        where j.job_id = any(jobs) and not j.ended and not r.open and not (r.dead and w.dead = 'wait')
    ),
    marked as (
        update wait_jobs j set ended = true from over o where j.run_id = o.run_id and j.job_id = o.job_id
    ),
    counted as (
        select w.run_id, w.fulfilled_at is null as waits,
               case when bool_or(o.fails) then 0 else greatest(0, w.missing - count(*)) end as missing
        from over o join waits w using (run_id)
        group by w.run_id
    ),
    moved as (
        update runs r set due_at = least(r.due_at, ledger_now())
        from counted c
        where r.id = c.run_id and c.waits and c.missing = 0 and r.status = 'queued' and r.attempt = 0
        returning r.id, r.job_id
    ),
    noted as (
        update waits w
        set missing = c.missing,
            fulfilled_at = coalesce(w.fulfilled_at, case when m.id is not null then ledger_now() end)
        from counted c left join moved m on m.id = c.run_id
        where w.run_id = c.run_id
    )
    select coalesce(array_agg(job_id), '{}') into begun from moved;
    return begun;
end $$;

-- The events that are kept for these names and keys are given to the runs that wait for them: the oldest to the one that
-- has waited longest. Returns the jobs of these runs. The lock lets an event and a wait that come at once see each other.
create function give_events(names text[], keys text[]) returns text[] language plpgsql as $$
declare
    pair record;
    receiver bigint;
    job text;
    begun text[] := '{}';
begin
    for pair in select distinct n.event, n.key from unnest(names, keys) as n (event, key) order by 1, 2 loop
        perform pg_advisory_xact_lock(hashtextextended('event ' || pair.event || ' ' || pair.key, 0));
        loop
            update events e set run_id = w.run_id
            from (select w.run_id
                  from waits w join runs r on r.id = w.run_id
                  where w.event = pair.event and w.key = pair.key and w.fulfilled_at is null
                    and r.status = 'queued' and r.attempt = 0
                  order by w.run_id
                  limit 1
                  for update of r) w
            where e.id = (select o.id from events o
                          where o.event = pair.event and o.key = pair.key and o.run_id is null
                          order by o.id
                          limit 1)
            returning e.run_id into receiver;
            exit when not found;
            update waits set fulfilled_at = ledger_now() where run_id = receiver;
            update runs set due_at = least(due_at, ledger_now()) where id = receiver returning job_id into job;
            begun := begun || job;
        end loop;
    end loop;
    return begun;
end $$;

-- What a statement has to say to runs that wait, in the one order in which all lock: new waits ({run_id, event, key} or
-- {run_id, needs, dead, children}), beside the jobs that are new in this statement; emitted events ({event, key, payload as
-- text}); jobs that have ended. Returns the jobs that are due by it, and wakes workers for them.
create function settle_waits(new_waits jsonb, new_jobs text[], emitted jsonb, ended text[]) returns text[]
    language plpgsql as $$
declare
    existing text[];
    names text[];
    keys text[];
    begun text[];
begin
    if new_waits is not null then
        insert into waits (run_id, event, key, dead, missing)
        select w.run_id, w.event, w.key, w.dead, least(w.needs, cardinality(w.children))
        from jsonb_to_recordset(new_waits)
             as w (run_id bigint, event text, key text, needs int, dead text, children text[]);
        insert into wait_jobs (run_id, job_id, position)
        select w.run_id, c.job_id, c.position
        from jsonb_to_recordset(new_waits) as w (run_id bigint, children text[])
        cross join lateral unnest(w.children) with ordinality as c (job_id, position);
        -- A child that was there may be ending now, by a statement that cannot see these rows yet. So its open runs are
        -- marked: whoever ends one of them waits for this transaction, and then sees the mark (`runs_end_job`). Whoever has
        -- ended one before may have begun another, which the next look shows.
        existing := array(
            select c.job_id
            from jsonb_to_recordset(new_waits) as w (children text[]) cross join lateral unnest(w.children) as c (job_id)
            except select unnest(new_jobs));
        while exists (select from runs r
                      where r.job_id = any(existing) and r.status not in ('succeeded', 'cancelled')
                        and r.adopted is not true) loop
            update runs r set adopted = true
            from (select o.id from runs o
                  where o.job_id = any(existing) and o.status not in ('succeeded', 'cancelled') and o.adopted is not true
                  order by o.id
                  for update) c
            where r.id = c.id;
        end loop;
    end if;
    insert into events (event, key, payload)
    select e.event, e.key, e.payload::jsonb
    from jsonb_to_recordset(emitted) as e (event text, key text, payload text);
    select array_agg(n.event), array_agg(n.key) into names, keys
    from (select event, key from jsonb_to_recordset(new_waits) as w (event text, key text) where event is not null
          union select event, key from jsonb_to_recordset(emitted) as e (event text, key text)) n;
    begun := give_events(names, keys) || end_jobs(ended || existing);
    if cardinality(begun) > 0 then
        perform pg_notify('overnight', '');
    end if;
    return begun;
end $$;

-- Endings outside `finish` and `rescue`, which tell of theirs together: a decision of a person, a later event that takes the
-- place of a job, plain SQL; and the runs of adopted jobs, whoever ends them.
create function runs_end_job() returns trigger language plpgsql as $$
begin
    perform settle_waits(null, null, null, array[old.job_id]);
    return null;
end $$;

create trigger runs_end_job after update of status, job_id on runs
    for each row when (old.job_id <> new.job_id
                       or new.status in ('succeeded', 'cancelled', 'dead') and new.status <> old.status
                          and (old.status <> 'running' or new.adopted))
    execute function runs_end_job();
