-- Ends booked calls with what they used, and adds their cost to their runs and to the budgets that hold them; once, however
-- often it is sent. The rest of a reservation is given back, but for `unknown_usd`: what it may have cost besides, as far as
-- nobody can know. A budget that counts another day by now has forgotten the call. The locks are taken as in llm_begin.
-- A call that is never settled was cut off by a crash, and keeps its reservation until the day ends.
-- Runs that wait for reservations are due now, as many as calls like these have room.
-- The answer has how many they are, the breakers of these calls that know of errors, and a row for each budget as it is now, or
-- one without.
with ended as materialized (
    select *
    from json_to_recordset(%(calls)s::json) as e (
        id bigint, status text, model text, answer text, stop_reason text, input_tokens int, output_tokens int, cost_usd numeric,
        unknown_usd numeric, error_kind text, error text, breaker text)
),
calls as materialized (
    select c.id, c.reserved_usd, c.reserved_in, (c.started_at at time zone 'utc')::date as day
    from llm_calls c
    where c.id = any(array(select id from ended)) and c.status = 'started'
    order by c.id
    for update
),
held as materialized (
    select b.scope, b.usd_per_day, b.day, b.changed_at, b.spent_usd,
           b.usd_per_day - b.spent_usd - b.reserved_usd as room_usd
    from budgets b
    where b.scope = any(array(select unnest(reserved_in) from calls)) and b.day = any(array(select day from calls))
    order by b.scope
    for update
),
settled as (
    update llm_calls c
    set status = e.status, model = e.model, answer = e.answer, stop_reason = e.stop_reason,
        input_tokens = e.input_tokens, output_tokens = e.output_tokens, cost_usd = e.cost_usd,
        reserved_usd = e.unknown_usd, error_kind = e.error_kind, error = e.error, finished_at = ledger_now()
    from calls join ended e using (id)
    where c.id = calls.id
    returning c.run_id, c.cost_usd, calls.reserved_usd, calls.reserved_usd - c.reserved_usd as released_usd, calls.reserved_in,
              calls.day
),
sums as (
    select h.scope, sum(s.cost_usd) as cost_usd, sum(s.released_usd) as released_usd,
           min(s.reserved_usd) filter (where s.reserved_usd > 0) as reserved_usd
    from held h join settled s on h.scope = any(s.reserved_in) and h.day = s.day
    group by h.scope
),
booked as (
    update budgets b
    set spent_usd = b.spent_usd + s.cost_usd, reserved_usd = b.reserved_usd - s.released_usd
    from sums s
    where b.scope = s.scope
),
charged as (
    update runs
    set cost_usd = runs.cost_usd + c.cost_usd
    from (select r.id, s.cost_usd
          from runs r join (select run_id, sum(cost_usd) as cost_usd from settled where cost_usd > 0 group by run_id) s
               on s.run_id = r.id
          order by r.id
          for no key update of r) c
    where runs.id = c.id
),
places as (
    select least(1000, greatest((select count(*) from settled),
                                floor(min((h.room_usd + s.released_usd - s.cost_usd) / s.reserved_usd))))::int as number
    from held h join sums s using (scope)
    where s.reserved_usd > 0
),
woken as (
    update runs
    set due_at = ledger_now()
    where id in (select r.id
                 from runs r
                 where r.status = 'queued' and r.outcome = 'held' and r.error_class = 'reserved'
                   and r.due_at > ledger_now()
                   and exists (select from held h where in_scope(h.scope, r.pipeline, r.key, r.step))
                 order by r.priority desc, r.due_at, r.id
                 limit (select coalesce(max(number), 0) from places)
                 for update skip locked)
    returning id
)
select w.woken, array(select b.name from breakers b
                      where b.name in (select breaker from ended) and (b.failures > 0 or b.open_until is not null)) as unwell,
       h.scope, h.usd_per_day, h.day, h.spent_usd + s.cost_usd as spent_usd, false as refuses,
       array(select a.kind from alerts a
             where a.subject = h.scope || ' ' || h.day and a.last_at >= h.changed_at) as alerted
from (select count(*)::int as woken from woken) w
left join (held h join sums s using (scope)) on true
order by h.scope
