-- Makes the schedules of an app known, and retires those that its code has no more, with their alerts. One that is new or
-- comes back starts now: slots before its first sight, or while it was retired, are not missed ones.
with declared as (
    select * from unnest(%(pipeline)s::text[], %(cron)s::text[], %(timezone)s::text[], %(catch_up)s::text[],
                         %(grace)s::interval[]) as g (pipeline, cron, timezone, catch_up, grace)
),
retired as (
    update schedules set retired_at = ledger_now()
    where app = %(app)s and retired_at is null
      and (pipeline, cron, timezone) not in (select pipeline, cron, timezone from declared)
    returning pipeline, cron, timezone
),
settled as (
    update alerts set resolved_at = ledger_now()
    where resolved_at is null and kind in ('missed_slot', 'zero_work')
      and subject in (select concat_ws(' ', pipeline, cron, timezone) from retired)
)
insert into schedules (app, pipeline, cron, timezone, catch_up, grace)
select %(app)s, * from declared order by pipeline, cron, timezone
on conflict (app, pipeline, cron, timezone) do update
    set catch_up = excluded.catch_up, grace = excluded.grace, retired_at = null,
        last_slot = case when schedules.retired_at is null then schedules.last_slot
                         else greatest(schedules.last_slot, ledger_now()) end
