-- Fires one slot: whoever moves `last_slot` forward inserts the run; nobody can do it twice.
with slot as (
    update schedules set last_slot = %(slot)s
    where app = %(app)s and pipeline = %(pipeline)s and cron = %(cron)s and timezone = %(timezone)s and last_slot < %(slot)s
    returning pipeline
)
insert into runs (job_id, step, pipeline, key, input, input_hash, lease_until)
select %(job_id)s, %(step)s, slot.pipeline, %(key)s, %(input)s::jsonb, %(input_hash)s, null from slot
on conflict (job_id, step) do update set input_hash = excluded.input_hash, pipeline = excluded.pipeline
    where runs.input_hash is distinct from excluded.input_hash or runs.pipeline <> excluded.pipeline
returning id
