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
       (select count(*) from begin_runs(
           job_ids => array[%(job_id)s::text], steps => array[%(step)s::text], pipelines => array[f.pipeline],
           keys => array[%(key)s::text], inputs => array[%(input)s::jsonb], input_hashes => array[%(input_hash)s::text],
           priorities => array[%(priority)s::int], delays => array[%(delay)s::float8],
           at_most => array[%(at_most)s::float8], deadlines => array[%(deadline)s::float8],
           expectations => array[%(expect)s::float8], origins => array[%(origin)s::text])) as started
from fired f
