-- Who may use the console. Neither passwords nor tokens are stored: a session and a token are known by their hash alone.

create table console_sessions (
    hash       bytea primary key,
    who        text not null,
    role       text not null check (role in ('view', 'operate')),
    expires_at timestamptz not null
);
create index console_sessions_expiry on console_sessions (expires_at);

create table console_tokens (
    name       text primary key check (name <> ''),
    hash       bytea not null unique,
    role       text not null check (role in ('view', 'operate')),
    created_by text not null,
    created_at timestamptz not null default ledger_now()
);

-- Tries to log in that failed, for as long as they count.
create table console_failures (
    address text not null,
    at      timestamptz not null default ledger_now()
);
create index console_failures_lately on console_failures (at);
