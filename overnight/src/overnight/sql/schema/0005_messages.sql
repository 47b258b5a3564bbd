-- What came from outside, by webhook or queue. `key` is the sender's idempotency key. One that no run could be made of
-- is kept whole with the reason, and is a dead letter until somebody mends it or drops it.
create table messages (
    id          bigint generated always as identity primary key,
    source      text not null,
    key         text,
    sha256      text not null,      -- of the body
    status      text not null check (status in ('accepted', 'dead', 'replayed', 'dropped')),
    target      text not null,      -- the pipeline or the event that it was for, as far as that could be read
    error       text,
    body        bytea,              -- kept for a dead letter; an accepted one is the input of its run
    jobs        text[] not null default '{}',
    received_at timestamptz not null default ledger_now(),
    settled_at  timestamptz,
    unique (source, key)
);

create index messages_dead on messages (received_at) where status = 'dead';
