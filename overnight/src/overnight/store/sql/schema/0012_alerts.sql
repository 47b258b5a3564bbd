-- How alerts reach people. The ledger knows a channel by its name alone: its address is a secret of the configuration.
create table channels (
    app        text not null,
    name       text not null,
    kind       text not null,               -- slack, webhook, mail, apprise …
    version    bigint not null default 0,   -- the fence: of all who decide at once what to tell, one writes it down
    since      timestamptz not null default ledger_now(), -- what had healed before is no news
    morning_at timestamptz not null default ledger_now(), -- the latest morning that was told
    retired_at timestamptz,                 -- the configuration has it no more
    primary key (app, name)
);

-- Messages: written before they are sent, and marked after. A channel has at most one that is not sent, so that what
-- happens while it is down is told together as soon as it is up again.
create table deliveries (
    id         bigint generated always as identity primary key,
    app        text not null,
    channel    text not null,
    message    jsonb not null,
    alerts     bigint[] not null default '{}', -- whom it is about; no foreign key, for they may be pruned first
    attempts   integer not null default 0,  -- counted when it is claimed; the fence against a late sender
    due_at     timestamptz not null default ledger_now(), -- next try; a claim puts it off, so that a dead sender's comes back
    taken_at   timestamptz,                 -- when a sender took it who has not said yet what came of it
    error      text,                        -- why the latest try failed
    created_at timestamptz not null default ledger_now(),
    sent_at    timestamptz,
    foreign key (app, channel) references channels (app, name)
);

create unique index deliveries_unsent on deliveries (app, channel) where sent_at is null;
create index deliveries_created on deliveries (app, channel, created_at);

-- What a channel was told of an alert: how often, and how it stood then.
create table told (
    app      text not null,
    channel  text not null,
    alert    bigint not null references alerts on delete cascade,
    times    integer not null default 1,
    count    integer not null,      -- of the alert, at that time
    resolved boolean not null,      -- it was told that all is well again
    at       timestamptz not null default ledger_now(),
    primary key (app, channel, alert)
);

create index told_alert on told (alert);
