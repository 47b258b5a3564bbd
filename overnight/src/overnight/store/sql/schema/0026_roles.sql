-- Who may do what: a role between those that only look and those that operate, and who comes from elsewhere.

alter table console_sessions
    drop constraint console_sessions_role_check,
    add constraint console_sessions_role_check check (role in ('view', 'edit', 'operate'));

-- Sign-ins at another provider that have begun, each for as long as it may take. All that the provider is told or must
-- repeat follows from a secret in the browser, of which only the hash is here. Its end deletes the row: it comes once.
create table console_signins (
    hash       bytea primary key,
    next_path  text not null,           -- the page to go on to
    expires_at timestamptz not null
);
create index console_signins_expiry on console_signins (expires_at);

-- Signed requests from outside, for as long as their signature counts: each is carried out once.
create table console_requests (
    hash       bytea primary key,
    expires_at timestamptz not null
);
create index console_requests_expiry on console_requests (expires_at);
