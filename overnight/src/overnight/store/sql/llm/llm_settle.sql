-- Ends a booked call with what it used, and adds its cost to its run and to the budgets that hold it; once, however often
-- it is sent. The rest of its reservation is given back, but for `unknown_usd`: what it may have cost besides, as far as
-- nobody can know. A budget that counts another day by now has forgotten the call. The locks are taken as in llm_begin.
-- A call that is never settled was cut off by a crash, and keeps its reservation until the day ends.
-- Runs that wait for reservations are due now, as many as calls like this one have room.
-- The answer has how many they are, and a row for each budget as it is now, or one without.
with call as (
    select c.id, c.reserved_usd, c.reserved_in, (c.started_at at time zone 'utc')::date as day
    from llm_calls c
    where c.id = %(id)s and c.status = 'started'
    for update
),
held as (
    select b.scope, b.usd_per_day, b.day, b.changed_at, b.spent_usd,
           b.usd_per_day - b.spent_usd - b.reserved_usd as room_usd
    from budgets b, call
    where b.scope = any(call.reserved_in) and b.day = call.day
    order by b.scope
    for update of b
),
settled as (
    update llm_calls c
    set status = %(status)s, model = %(model)s, answer = %(answer)s, stop_reason = %(stop_reason)s,
        input_tokens = %(input_tokens)s, output_tokens = %(output_tokens)s, cost_usd = %(cost_usd)s,
        reserved_usd = %(unknown_usd)s, error_kind = %(error_kind)s, error = %(error)s, finished_at = ledger_now()
    from call
    where c.id = call.id
    returning c.run_id, c.cost_usd, call.reserved_usd, call.reserved_usd - c.reserved_usd as released_usd
),
booked as (
    update budgets b
    set spent_usd = b.spent_usd + s.cost_usd, reserved_usd = b.reserved_usd - s.released_usd
    from held h, settled s
    where b.scope = h.scope
),
charged as (
    update runs set cost_usd = runs.cost_usd + settled.cost_usd
    from settled
    where runs.id = settled.run_id and settled.cost_usd > 0
),
places as (
    select least(1000, greatest(1, floor(min((h.room_usd + s.released_usd - s.cost_usd) / s.reserved_usd))))::int as number
    from held h, settled s
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
select w.woken, h.scope, h.usd_per_day, h.day, h.spent_usd + s.cost_usd as spent_usd, false as refuses,
       array(select a.kind from alerts a
             where a.subject = h.scope || ' ' || h.day and a.last_at >= h.changed_at) as alerted
from (select count(*)::int as woken from woken) w
left join (held h cross join settled s) on true
order by h.scope
