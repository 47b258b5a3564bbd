-- Moves on from slots that are not fired, so that none is tried for ever, notes the latest of them with the reason, and
-- tells a person. Only whoever saw the current `last_slot` does it.
with moved as (
    update schedules set last_slot = %(slot)s
    where app = %(app)s and pipeline = %(pipeline)s and cron = %(cron)s and timezone = %(timezone)s
      and last_slot = %(last_slot)s
    returning app, pipeline, cron, timezone
),
noted as (
    insert into slots (app, pipeline, cron, timezone, slot, status, count, note)
    select app, pipeline, cron, timezone, %(slot)s, %(status)s, %(count)s, %(note)s from moved
    on conflict do nothing
    returning pipeline, cron, timezone
)
select pipeline, raise_alert('missed_slot', concat_ws(' ', pipeline, cron, timezone), %(text)s) as alert
from noted
