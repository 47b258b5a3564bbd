-- Makes the channels of an app known, and retires those that its configuration has no more, with what was not sent to them.
-- One that is new or comes back begins now: what healed before, and mornings before, are not told.
with given as (
    select * from unnest(%(name)s::text[], %(kind)s::text[]) as g (name, kind)
),
retired as (
    update channels set retired_at = ledger_now()
    where app = %(app)s and retired_at is null and name not in (select name from given)
    returning name
),
dropped as (
    delete from deliveries
    where app = %(app)s and sent_at is null and channel in (select name from retired)
)
insert into channels (app, name, kind)
select %(app)s, name, kind from given order by name
on conflict (app, name) do update
    set kind = excluded.kind, retired_at = null,
        since = case when channels.retired_at is null then channels.since else ledger_now() end,
        morning_at = case when channels.retired_at is null then channels.morning_at else ledger_now() end
    where channels.kind <> excluded.kind or channels.retired_at is not null
