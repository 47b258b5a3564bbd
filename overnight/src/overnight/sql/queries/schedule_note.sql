-- Makes a schedule known. A new one starts now: slots before its first sight are not missed ones.
insert into schedules (pipeline, cron, timezone)
values (%(pipeline)s, %(cron)s, %(timezone)s)
on conflict (pipeline, cron, timezone) do nothing
