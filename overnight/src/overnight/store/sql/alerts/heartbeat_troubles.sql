-- What the monitor outside must hear of: open alerts of kinds that stop the work, and messages that no channel has taken for
-- `undelivered` seconds; the oldest first.
select kind, subject, text
from (select kind, subject, text, first_at
      from alerts
      where resolved_at is null and kind = any(%(kinds)s::text[])
      union all
      select 'alerts_undelivered', channel, error, created_at
      from deliveries
      where app = %(app)s and sent_at is null and error is not null
        and created_at < ledger_now() - make_interval(secs => %(undelivered)s)) found
order by first_at, kind, subject
