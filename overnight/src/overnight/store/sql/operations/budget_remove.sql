-- Takes a person's limit back: the configuration's counts again, or none. What was held back is due at once.
with due as (
    update runs
    set due_at = ledger_now()
    where status = 'queued' and outcome = 'held' and error_class in ('budget', 'reserved')
      and in_scope(%(scope)s, pipeline, key, step)
),
answered as (
    update alerts
    set resolved_at = ledger_now()
    where kind in ('budget', 'budget_spent') and resolved_at is null
      and left(subject, -11) = %(scope)s -- without the day
),
gone as (
    delete from budgets
    where scope = %(scope)s and config_usd is null
    returning scope, null::numeric as usd_per_day
),
back as (
    update budgets
    set person_usd = null, person = null, changed_at = ledger_now()
    where scope = %(scope)s and person_usd is not null and config_usd is not null
    returning scope, usd_per_day
)
select scope, usd_per_day from gone
union all
select scope, usd_per_day from back
