-- What a run has waited for: its event, as it was given, or what its join makes of dead children. `in_time` is false where
-- the time-out began it; `missing` counts the children that have yet to end.
select w.event, w.key, w.dead, w.missing, w.fulfilled_at is not null as in_time, e.id is not null as has_event,
       e.payload::text as payload, e.received_at
from waits w left join events e on e.run_id = w.run_id
where w.run_id = %(run_id)s
