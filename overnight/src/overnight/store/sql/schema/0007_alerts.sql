-- What a person should know. The same thing happening again is counted on the alert that is still open.
create table alerts (
    id          bigint generated always as identity primary key,
    kind        text not null,      -- dead_letter, breaker, missed_slot, late_job, budget, parked, zero_work …
    subject     text not null,      -- what it is about: a step, a breaker, a schedule, a scope
    text        text not null,      -- the sentence for a person
    job_id      text,               -- the latest job, where there is one
    count       integer not null default 1,
    first_at    timestamptz not null default ledger_now(),
    last_at     timestamptz not null default ledger_now(),
    resolved_at timestamptz
);

create unique index alerts_open on alerts (kind, subject) where resolved_at is null;

-- The seal of what a person is shown of a run: SHA-256 of its output as stored, or of its input where it has no output.
create function seal(output jsonb, input jsonb) returns text language sql immutable parallel safe
    return encode(sha256(convert_to(coalesce(nullif(output, 'null'), input, 'null')::text, 'UTF8')), 'hex');

-- What people did: who, when, why, and what they had seen.
create table actions (
    id     bigint generated always as identity primary key,
    verb   text not null,       -- approve, edit, reject, replay, cancel, pause, resume, close, budget …
    target text not null,       -- a job, a scope, a breaker
    step   text,
    reason text not null default '',
    seen   text,                -- the seal of what they had seen
    was    jsonb,               -- what an edit replaced
    by     text not null,
    at     timestamptz not null default ledger_now()
);

create index actions_target on actions (target, id);
