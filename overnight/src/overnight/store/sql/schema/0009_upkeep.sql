-- concurrently: statement by statement, beside live workers. What follows may run again after it was cut off.

-- What each app wants kept. A ledger keeps what the most patient of its apps wants.
create table if not exists keeps (
    app      text primary key,
    payloads interval not null, -- of ended jobs: inputs, outputs, details of attempts, answers of models
    ids      interval not null  -- the rows themselves: as long as they stand, the same work is not done again
        check (ids >= payloads)
);

alter table runs add column if not exists emptied_at timestamptz; -- when its payloads went

-- By the default a table of a million kept runs would gather 200,000 dead versions before it is swept, and the indexes on
-- what is due and what is running, through which every claim goes, would be mostly dead entries. What a sweep costs is in
-- the pages that changed, so it may come twenty times as often. A tenth of each page is left free: the new version of a run
-- whose lease or cost alone changes finds its place there, and no index is touched.
alter table runs set (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.02,
    toast.autovacuum_vacuum_scale_factor = 0.05
);

-- The line of what is due, by priority. It takes the place of an older one.
create index concurrently if not exists runs_line on runs (priority desc, due_at, id) where status = 'queued';
drop index concurrently if exists runs_due;

create index concurrently if not exists runs_debounced on runs (debounce) where status = 'queued' and debounce is not null;
create index concurrently if not exists runs_expected on runs (expect_at)
    where status in ('queued', 'running') and expect_at is not null;

-- Running ones by their owner. Its predecessor held `lease_until`, so that every beat wrote into every index of the table.
create index concurrently if not exists runs_running on runs (worker) where status = 'running';
drop index concurrently if exists runs_leased;

-- What ended, the oldest first: the runs that have their payloads yet, and those that have not. Each run is in one of them.
create index concurrently if not exists runs_ended on runs (finished_at, id)
    where status in ('succeeded', 'cancelled') and emptied_at is null;
create index concurrently if not exists runs_emptied on runs (finished_at, id) where emptied_at is not null;

-- What came from outside and what people did, by age.
create index concurrently if not exists messages_received on messages (received_at) where status <> 'dead';
create index concurrently if not exists messages_settled on messages (settled_at)
    where status in ('replayed', 'dropped') and body is not null;
create index concurrently if not exists actions_at on actions (at);
