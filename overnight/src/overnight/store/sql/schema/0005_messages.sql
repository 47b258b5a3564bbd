-- What came from outside, by webhook or queue. `key` is the sender's idempotency key. One that no run could be made of
-- is kept whole with the reason, and is a dead letter until somebody mends it or drops it.
create table messages (
    id          bigint generated always as identity primary key,
    source      text not null,
    key         text,
    sha256      text not null,      -- of the body as it came
    status      text not null check (status in ('accepted', 'dead', 'replayed', 'dropped')),
    target      text not null,      -- `pipeline:NAME` or `event:NAME`, as far as that could be read; else ''
    bare        boolean not null,   -- the target was named beside the body, which is the input itself
    error       text,               -- why it became a dead letter
    body        bytea,              -- kept for a dead letter, as it came; an accepted one is the input of its run
    jobs        text[] not null default '{}',
    received_at timestamptz not null default ledger_now(),
    settled_at  timestamptz,        -- when a dead letter was replayed or dropped
    unique (source, key)
);

create index messages_dead on messages (received_at) where status = 'dead';

-- A body as people read it: it may be no text at all, and then its odd bytes are written as \nnn.
create function body_text(body bytea) returns text language plpgsql immutable parallel safe as $$
begin
    return convert_from(body, 'UTF8');
exception when others then
    return encode(body, 'escape');
end $$;

-- Everything that waits for a person to replay it or to drop it. A message is called `m` and its number, and shows the
-- first 100 kB of its body as text.
create or replace view dead_letters as
    select r.id, r.job_id, r.step, r.pipeline, r.key, r.input, r.error, r.error_class, r.failures, r.losses,
           r.cost_usd, r.finished_at as died_at,
           coalesce((select jsonb_agg(to_jsonb(a) - 'run_id' order by a.attempt) from attempts a where a.run_id = r.id),
                    '[]'::jsonb) as attempts,
           'run' as kind, r.origin
    from runs r
    where r.status = 'dead'
    union all
    select m.id, 'm' || m.id, '', case when starts_with(m.target, 'pipeline:') then substr(m.target, 10) else '' end, '',
           to_jsonb(body_text(substr(m.body, 1, 100000))), m.error, 'malformed', 0, 0,
           0::numeric(14, 6), m.received_at, '[]'::jsonb,
           'message', m.source
    from messages m
    where m.status = 'dead';
