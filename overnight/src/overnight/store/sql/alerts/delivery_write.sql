-- Writes a message down before it is sent, together with what the channel then knows. Only whoever saw the channel's
-- current version does it: of all workers that decide at once, one. Messages that were sent long ago go.
with mine as (
    update channels
    set version = version + 1, morning_at = coalesce(%(morning_at)s::timestamptz, morning_at)
    where app = %(app)s and name = %(name)s and version = %(version)s and retired_at is null
    returning app, name
),
known as (
    insert into told as t (app, channel, alert, count, resolved)
    select m.app, m.name, n.* from mine m, unnest(%(alert)s::bigint[], %(count)s::int[], %(resolved)s::bool[]) as n
    on conflict (app, channel, alert) do update
        set times = t.times + 1, count = excluded.count, resolved = excluded.resolved, at = ledger_now()
),
old as (
    delete from deliveries d using mine m
    where d.app = m.app and d.channel = m.name and d.sent_at < ledger_now() - make_interval(secs => %(kept)s)
)
insert into deliveries (app, channel, message, alerts)
select app, name, %(message)s::jsonb, %(alert)s::bigint[] from mine
where %(message)s::jsonb is not null
returning id
