-- Moves on from a slot that cannot be fired, so that it is not tried for ever.
update schedules set last_slot = %(slot)s
where app = %(app)s and pipeline = %(pipeline)s and cron = %(cron)s and timezone = %(timezone)s and last_slot < %(slot)s
