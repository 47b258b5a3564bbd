select last_slot, ledger_now() as now from schedules
where app = %(app)s and pipeline = %(pipeline)s and cron = %(cron)s and timezone = %(timezone)s
