-- Fires one slot, unless somebody has moved on from the `last_slot` that was seen, or the slot has its row already: of all
-- who try, one inserts the run. A schedule that fires is well again.
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
started as (
    insert into runs (job_id, step, pipeline, key, input, input_hash, due_at, lease_until, priority, origin, due_by,
                      deadline_at, expect_at)
    select %(job_id)s, %(step)s, pipeline, %(key)s, %(input)s::jsonb, %(input_hash)s,
           ledger_now() + make_interval(secs => %(delay)s), null, %(priority)s, %(origin)s,
           ledger_now() + make_interval(secs => %(at_most)s), ledger_now() + make_interval(secs => %(deadline)s),
           ledger_now() + make_interval(secs => %(expect)s)
    from fired
    on conflict (job_id, step) do update set input_hash = excluded.input_hash, pipeline = excluded.pipeline
        where runs.input_hash is distinct from excluded.input_hash or runs.pipeline <> excluded.pipeline
),
well as (
    update alerts set resolved_at = ledger_now()
    where resolved_at is null and kind = 'missed_slot'
      and subject in (select concat_ws(' ', pipeline, cron, timezone) from fired)
)
select pipeline from fired
