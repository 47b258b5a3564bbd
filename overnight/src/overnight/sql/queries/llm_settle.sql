-- Ends a booked call with what it used, and adds its cost to its run; once, however often it is sent.
with settled as (
    update llm_calls
    set status = %(status)s, model = %(model)s, answer = %(answer)s, stop_reason = %(stop_reason)s,
        input_tokens = %(input_tokens)s, output_tokens = %(output_tokens)s, cost_usd = %(cost_usd)s,
        error_kind = %(error_kind)s, error = %(error)s, finished_at = ledger_now()
    where id = %(id)s and status = 'started'
    returning run_id, cost_usd
)
update runs set cost_usd = runs.cost_usd + settled.cost_usd
from settled
where runs.id = settled.run_id and settled.cost_usd > 0
