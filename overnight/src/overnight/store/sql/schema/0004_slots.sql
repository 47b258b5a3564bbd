-- Every slot of a schedule that was fired, or was not, and why. The primary key lets one worker win. Of slots that were
-- skipped together the latest has the row.
create table slots (
    app      text not null,
    pipeline text not null,
    cron     text not null,
    timezone text not null,
    slot     timestamptz not null,
    status   text not null check (status in ('fired', 'skipped', 'failed')),
    count    integer not null default 1, -- how many slots the row stands for
    note     text,                  -- why it was not fired, or how late it was
    job_id   text,
    at       timestamptz not null default ledger_now(),
    primary key (app, pipeline, cron, timezone, slot)
);

-- What whoever watches needs to know of a schedule without its app. Retired: the app has it no more.
alter table schedules
    add column catch_up   text not null default 'latest' check (catch_up in ('latest', 'all', 'skip')),
    add column grace      interval not null default '12 hours',
    add column retired_at timestamptz;
