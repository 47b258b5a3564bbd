-- Permission for one paid call, and its booking: only for the live owner of the run, only while no switch is off, and only
-- if every budget of the run still has room for the most that the call can cost. Then that much is reserved in all of them.
-- The budgets are locked first, always in the order of their scopes: whoever waited for a lock sees the newest sums.
-- A day's sums begin anew with the first call of the next; a call that waited past midnight counts on the new day.
-- The answer has a row for each budget, or one without; no id means that the call may not begin (budget_room.sql says why,
-- where a budget refuses). What is asked is kept with the booking: the numbers, and the texts that the run has not yet.
with held as (
    select b.scope, b.usd_per_day, b.day, b.spent_usd, b.reserved_usd
    from budgets b
    where %(most_usd)s::numeric > 0 and in_scope(b.scope, %(pipeline)s, %(key)s, %(step)s)
    order by b.scope
    for update
),
today as (
    select greatest((ledger_now() at time zone 'utc')::date, max(day)) as day from held
),
sums as (
    select h.scope, h.usd_per_day,
           case when h.day = t.day then h.spent_usd else 0 end as spent_usd,
           case when h.day = t.day then h.reserved_usd else 0 end as reserved_usd
    from held h, today t
),
booked as (
    insert into llm_calls (run_id, job_id, step, pipeline, key, attempt, provider, model, request_hash, status,
                           reserved_usd, reserved_in, started_at, batch_id, request)
    select r.id, r.job_id, r.step, r.pipeline, r.key, r.attempt, %(provider)s, %(model)s, %(request_hash)s, 'started',
           %(most_usd)s, array(select scope from sums),
           greatest(ledger_now(), (select day from today)::timestamp at time zone 'utc'), %(batch_id)s::bigint, %(request)s::jsonb
    from runs r
    where r.id = %(run_id)s and r.attempt = %(attempt)s and r.status = 'running'
      and switched_off(r.pipeline, r.key, r.step) is null
      and not exists (select from sums where spent_usd + reserved_usd + %(most_usd)s > usd_per_day)
    returning id, run_id, reserved_usd
),
texts as (
    insert into llm_texts (run_id, sha256, text)
    select booked.run_id, decode(t.key, 'hex'), t.value
    from booked, json_each_text(%(texts)s::json) t
    order by 2
    on conflict do nothing
),
reserved as (
    update budgets b
    set day = t.day, spent_usd = s.spent_usd, reserved_usd = s.reserved_usd + booked.reserved_usd
    from sums s, today t, booked
    where b.scope = s.scope
)
select booked.id, s.scope, s.spent_usd + s.reserved_usd + %(most_usd)s > s.usd_per_day as refuses
from today t
left join booked on true
left join sums s on true
order by s.scope
