-- Makes a schedule known. A new one starts now: slots before its first sight are not missed ones.
insert into schedules (app, pipeline, cron, timezone)
values (%(app)s, %(pipeline)s, %(cron)s, %(timezone)s)
on conflict (app, pipeline, cron, timezone) do nothing
