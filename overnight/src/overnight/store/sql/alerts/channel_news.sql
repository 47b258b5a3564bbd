-- What the channels of an app could be told now: one row for each channel, and one for each alert of which it does not know
-- the latest. That is an alert it was never told of, one that came again since, or one that is well again. What has healed
-- is looked at for `healed_within` seconds. A channel with a message that is not sent has `unsent_in`, the seconds until
-- its next try, and is told nothing new before. `lately` are the messages of the last `pace_within` seconds, `kinds_lately`
-- the kinds of alerts that they told of.
select c.name, c.version, c.morning_at, ledger_now() as now, u.unsent_in,
       array(select d.created_at from deliveries d
             where d.app = c.app and d.channel = c.name
               and d.created_at > ledger_now() - make_interval(secs => %(pace_within)s)) as lately,
       array(select distinct a.kind from told t join alerts a on a.id = t.alert
             where t.app = c.app and t.channel = c.name
               and t.at > ledger_now() - make_interval(secs => %(pace_within)s)) as kinds_lately,
       n.id, n.kind, n.subject, n.text, n.job_id, n.count, n.first_at, n.resolved_at,
       n.times, n.told_at
from channels c
left join lateral (
    select extract(epoch from d.due_at - ledger_now())::float8 as unsent_in
    from deliveries d
    where d.app = c.app and d.channel = c.name and d.sent_at is null) u on true
left join lateral (
    select a.id, a.kind, a.subject, a.text, a.job_id, a.count, a.first_at, a.resolved_at,
           t.times, t.at as told_at
    from (select * from alerts where resolved_at is null
          union all
          select * from alerts
          where resolved_at > greatest(c.since, ledger_now() - make_interval(secs => %(healed_within)s))) a
    left join told t on t.app = c.app and t.channel = c.name and t.alert = a.id
    where t.alert is null or not t.resolved and (a.count > t.count or a.resolved_at is not null)) n
    on u.unsent_in is null
where c.app = %(app)s and c.name = any(%(names)s::text[]) and c.retired_at is null
order by c.name, n.first_at, n.id
