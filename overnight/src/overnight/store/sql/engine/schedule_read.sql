-- The schedules in use, of an app or of all, each with the latest slot that was fired or skipped.
select app, pipeline, cron, timezone, last_slot, ledger_now() as now
from schedules
where retired_at is null and (%(app)s::text is null or app = %(app)s)
