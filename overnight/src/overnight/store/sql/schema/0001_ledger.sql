-- The ledger: what there is to do, who is doing it, what came of it. One row per step of a job.

-- The clock of every lease, due time and schedule is the database's. Tests put another body here, and move it.
create function ledger_now() returns timestamptz language sql stable parallel safe return now();

-- The whole life of a run as data: the trigger below refuses whatever is not listed here.
create table transitions (
    from_status text not null,
    to_status   text not null,
    verb        text not null,
    primary key (from_status, to_status)
);
insert into transitions (from_status, to_status, verb) values
    ('queued',       'running',      'claim'),
    ('queued',       'cancelled',    'cancel'),
    ('running',      'succeeded',    'finish'),
    ('running',      'queued',       'retry, snooze, hand back or rescue'),
    ('running',      'needs_review', 'ask a person'),
    ('running',      'dead',         'give up'),
    ('running',      'cancelled',    'end on purpose'),
    ('needs_review', 'succeeded',    'approve'),
    ('needs_review', 'cancelled',    'reject'),
    ('needs_review', 'queued',       'replay'),
    ('dead',         'queued',       'replay'),
    ('dead',         'cancelled',    'drop');

create table runs (
    id          bigint generated always as identity primary key,
    job_id      text not null check (job_id <> ''),
    step        text not null check (step <> ''),
    pipeline    text not null default '',
    key         text not null default '',   -- whom the job is for: a site, a customer; the scope of switches and limits
    status      text not null default 'queued'
                check (status in ('queued', 'running', 'succeeded', 'needs_review', 'dead', 'cancelled')),
    outcome     text,                       -- how the last attempt ended: done, no_work, review, cancel, error, lost
    attempt     integer not null default 0, -- counted at each claim; the fence against a late owner
    failures    integer not null default 0, -- attempts that ended in an error: what the retry policy counts
    losses      integer not null default 0, -- attempts whose owner died: a step that kills its worker is stopped by a cap
    due_at      timestamptz not null default ledger_now(),
    lease_until timestamptz default ledger_now() + interval '5 minutes',
    worker      text,                       -- the boot id of the owner
    input       jsonb,
    input_hash  text,                       -- of the inputs that the job id was made from
    output      jsonb,
    error       text,                       -- for a person: the error, the reviewer's reasons, why it was cancelled
    error_class text,
    cost_usd    numeric(14, 6) not null default 0,
    parent      bigint,                     -- the run that spawned this one; no foreign key, for it may be pruned first
    created_at  timestamptz not null default ledger_now(),
    started_at  timestamptz,
    finished_at timestamptz,
    unique (job_id, step)
);

create index runs_due on runs (due_at, id) where status = 'queued';
create index runs_leased on runs (lease_until) where status = 'running';
create index runs_waiting on runs (status, finished_at) where status in ('needs_review', 'dead');
create index runs_started on runs (started_at);

create function runs_guard() returns trigger language plpgsql as $$
begin
    if old.input_hash is distinct from new.input_hash or old.pipeline <> new.pipeline then
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

create trigger runs_guard before update of status, input_hash, pipeline on runs
    for each row when (old.status <> new.status or old.pipeline <> new.pipeline
                       or old.input_hash is distinct from new.input_hash)
    execute function runs_guard();

-- The retry history: one row per attempt that did not simply succeed.
create table attempts (
    run_id      bigint not null references runs on delete cascade,
    attempt     integer not null,
    outcome     text not null,
    error       text,
    error_class text,
    detail      text,
    worker      text,
    started_at  timestamptz,
    finished_at timestamptz not null default ledger_now(),
    retry_at    timestamptz,
    primary key (run_id, attempt)
);

create view dead_letters as
    select r.id, r.job_id, r.step, r.pipeline, r.key, r.input, r.error, r.error_class, r.failures, r.losses,
           r.cost_usd, r.finished_at as died_at,
           coalesce((select jsonb_agg(to_jsonb(a) - 'run_id' order by a.attempt) from attempts a where a.run_id = r.id),
                    '[]'::jsonb) as attempts
    from runs r
    where r.status = 'dead';

-- A cron slot fires once: the slot's deterministic job id and `last_slot` each refuse a second time.
create table schedules (
    app        text not null,
    pipeline   text not null,
    cron       text not null,
    timezone   text not null,
    last_slot  timestamptz not null default ledger_now(),
    created_at timestamptz not null default ledger_now(),
    primary key (app, pipeline, cron, timezone)
);

-- Kill switches. Scope: `all`, `pipeline:NAME`, `key:NAME`, `step:PIPELINE/STEP`. No row means on.
create table switches (
    scope      text primary key check (scope = 'all' or scope ~ '^(pipeline|key|step):.+$'),
    enabled    boolean not null,
    reason     text not null default '',
    changed_by text not null default '',
    changed_at timestamptz not null default clock_timestamp()
);

create function switched_off(pipeline text, key text, step text) returns text
    language sql stable parallel safe
    return (select s.scope from switches s
            where not s.enabled
              and s.scope in ('all', 'pipeline:' || pipeline, 'key:' || key, 'step:' || pipeline || '/' || step)
            order by s.scope limit 1);

-- Worker processes. A worker holds the session advisory lock `lock_key` as long as it lives.
create table workers (
    boot_id    text primary key,
    lock_key   bigint not null unique,
    host       text not null,
    pid        integer not null,
    started_at timestamptz not null default ledger_now(),
    seen_at    timestamptz not null default ledger_now(),
    missed_at  timestamptz, -- when its lock was first found free
    stopped_at timestamptz
);

-- External writes: the intent before, the outcome after. An intent without an outcome is asked about, never repeated blindly.
create table effects (
    id           bigint generated always as identity primary key,
    job_id       text not null,
    name         text not null,
    content_hash text not null,
    run_id       bigint not null,
    attempt      integer not null,
    status       text not null default 'intended' check (status in ('intended', 'done')),
    result       jsonb,
    intended_at  timestamptz not null default ledger_now(),
    done_at      timestamptz,
    unique (job_id, name, content_hash)
);
