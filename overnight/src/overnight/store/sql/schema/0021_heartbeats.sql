-- What the apps tell the monitors outside, whose silence is the alarm. The ledger knows no address: that is a secret of the
-- configuration.
create table heartbeats (
    app       text primary key,
    due_at    timestamptz not null,     -- the next call; whoever makes one puts it off, so that of many workers one calls
    signal    text not null,            -- what the latest call said: success or fail
    line      text not null default '', -- what it told a person
    error     text,                     -- why the latest call was not taken
    called_at timestamptz,
    taken_at  timestamptz               -- the latest call that was taken
);
