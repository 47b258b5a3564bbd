-- Ends a booked call with what it used, and adds its cost to its run and to the budgets that hold it; once, however often
-- it is sent. The rest of its reservation is given back, but for `unknown_usd`: what it may have cost besides, as far as
-- nobody can know. A budget that counts another day by now has forgotten the call. The locks are taken as in llm_begin.
-- A call that is never settled was cut off by a crash, and keeps its reservation until the day ends.
with call as (
    select c.id, c.reserved_usd, c.reserved_in, (c.started_at at time zone 'utc')::date as day
    from llm_calls c
    where c.id = %(id)s and c.status = 'started'
    for update
),
held as (
    select b.scope
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
    returning c.run_id, c.cost_usd, call.reserved_usd - c.reserved_usd as released_usd
),
booked as (
    update budgets b
    set spent_usd = b.spent_usd + s.cost_usd, reserved_usd = b.reserved_usd - s.released_usd
    from held h, settled s
    where b.scope = h.scope
)
update runs set cost_usd = runs.cost_usd + settled.cost_usd
from settled
where runs.id = settled.run_id and settled.cost_usd > 0
