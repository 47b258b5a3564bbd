-- Work that is held back or hurried: priorities, deadlines, debounced events, breakers and limits. Their indexes are made
-- beside live workers, in 0009.

alter table runs
    add column priority    smallint not null default 0, -- higher is sooner
    add column origin      text,        -- what began the job: `cron …`, `event …`, `webhook`, `hand`; null where a step did
    add column debounce    text,        -- while it waits, a later event with this name takes its place
    add column due_by      timestamptz, -- the latest moment to which a debounced run may be put off
    add column expect_at   timestamptz, -- when its job should have ended; late is an alert
    add column deadline_at timestamptz; -- when its job is worth nothing any more; no attempt begins after it

-- A debounced run may become another job while it waits; besides that, a job keeps its pipeline and its inputs.
create or replace function runs_guard() returns trigger language plpgsql as $$
begin
    if old.job_id = new.job_id
        and (old.input_hash is distinct from new.input_hash or old.pipeline <> new.pipeline) then
        raise exception 'job % was begun with other inputs', old.job_id
            using errcode = 'OV001', hint = 'the id is made from the inputs: give the same ones, or another id';
    end if;
    if old.status <> new.status
        and not exists (select from transitions t where t.from_status = old.status and t.to_status = new.status) then
        raise exception 'run % of job % cannot go from % to %', old.step, old.job_id, old.status, new.status
            using errcode = 'OV002';
    end if;
    return new;
end $$;

-- An event that finds one of its kind still waiting takes its place and begins the wait again, up to `due_by`.
create function runs_debounce() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('debounce ' || new.debounce, 0));
    update runs r
    set job_id = new.job_id, input = new.input, input_hash = new.input_hash, priority = new.priority,
        due_at = least(new.due_at, r.due_by), parent = new.parent, origin = new.origin
    where r.debounce = new.debounce and r.status = 'queued' and r.attempt = 0
      and (r.job_id = new.job_id
           or not exists (select from runs o where o.job_id = new.job_id and o.step = new.step));
    if found then
        return null;
    end if;
    -- The work of the latest event is done already: then what waits would undo it.
    update runs r
    set status = 'cancelled', outcome = 'cancel', finished_at = ledger_now(),
        error = 'a later event took its place, whose job ' || new.job_id || ' has begun or ended already'
    where r.debounce = new.debounce and r.status = 'queued' and r.attempt = 0;
    return new;
end $$;

create trigger runs_debounce before insert on runs
    for each row when (new.debounce is not null) execute function runs_debounce();

-- Circuit breakers, shared by all workers. Closed: `open_until` is null. Open: it lies ahead, and nothing behind the
-- breaker starts. Half-open: it is past, and the next claim lets one run through as the probe.
create table breakers (
    name       text primary key,            -- the breaker of a step, with the run's key put in
    key        text not null,               -- that key; '' where the name has none
    failures   integer not null default 0,  -- errors in a row
    errors     timestamptz[] not null default '{}', -- the moments of the latest of them
    opened_at  timestamptz,
    open_until timestamptz,
    probe_run  bigint,                      -- the run that was let through to try
    error      text,                        -- the last one
    version    bigint not null default 0
);

-- Limits: how many runs at once, how many starts within a time. `version` makes a claim that looked before another
-- one's commit look again.
create table limits (
    name    text primary key,
    key     text not null,
    version bigint not null,
    starts  timestamptz[] not null  -- the latest ones, at most as many as the limit allows
);
