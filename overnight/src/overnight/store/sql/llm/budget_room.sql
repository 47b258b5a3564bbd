-- The budgets of a run that was refused a call, as they stand now, seen all at one moment. Of what is reserved,
-- `under_way_usd` comes back when the calls that hold it end, by a batch too; the rest, of calls that were cut off, stays until the day ends.
with today as (
    select (ledger_now() at time zone 'utc')::date as day
),
sums as (
    select b.scope, b.usd_per_day, b.changed_at, t.day,
           case when b.day >= t.day then b.spent_usd else 0 end as spent_usd,
           case when b.day >= t.day then b.reserved_usd else 0 end as reserved_usd
    from budgets b, today t
    where in_scope(b.scope, %(pipeline)s, %(key)s, %(step)s)
)
select s.scope, s.usd_per_day, s.day, s.spent_usd, s.reserved_usd,
       least(s.reserved_usd, coalesce(
           (select sum(c.reserved_usd)
            from llm_calls c left join runs r on r.id = c.run_id and r.attempt = c.attempt and r.status = 'running'
            where (r.id is not null or c.batch_id is not null) and c.status = 'started' and s.scope = any(c.reserved_in)
              and c.started_at >= s.day::timestamp at time zone 'utc'), 0)) as under_way_usd,
       s.spent_usd + s.reserved_usd + %(most_usd)s > s.usd_per_day as refuses,
       array(select a.kind from alerts a
             where a.subject = s.scope || ' ' || s.day and a.last_at >= s.changed_at) as alerted,
       extract(epoch from (s.day + 1)::timestamp at time zone 'utc' - ledger_now())::float8 as seconds_left
from sums s
order by s.scope
