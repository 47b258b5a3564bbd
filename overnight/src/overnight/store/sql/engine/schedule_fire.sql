-- Fires one slot, unless somebody has moved on from the `last_slot` that was seen, or the slot has its row already: of all
-- who try, one inserts the run. Its alert about a missed slot is resolved.
with moved as (
    update schedules set last_slot = %(slot)s
    where app = %(app)s and pipeline = %(pipeline)s and cron = %(cron)s and timezone = %(timezone)s
      and last_slot = %(last_slot)s
    returning app, pipeline, cron, timezone
),
fired as (
    insert into slots (app, pipeline, cron, timezone, slot, status, note, job_id)
    select app, pipeline, cron, timezone, %(slot)s, 'fired', %(note)s, %(job_id)s from moved
    on conflict do nothing
    returning pipeline, cron, timezone
),
resolved as (
    update alerts set resolved_at = ledger_now()
    where resolved_at is null and kind = 'missed_slot'
      and subject in (select concat_ws(' ', pipeline, cron, timezone) from fired)
)
select f.pipeline,
       (select count(*) from begin_runs(array[row(
           %(job_id)s, %(step)s, f.pipeline, %(key)s, %(input)s::jsonb, %(input_hash)s, %(priority)s::int, %(delay)s::float8,
           %(at_most)s::float8, %(deadline)s::float8, %(expect)s::float8, %(origin)s, null, null, null, null, null)::new_run])) as started
from fired f
