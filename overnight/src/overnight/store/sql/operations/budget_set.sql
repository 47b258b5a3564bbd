-- A person's limit, which goes before the configuration's. What a budget holds back in its scope is due at once.
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
)
insert into budgets (scope, person_usd, person)
values (%(scope)s, %(usd)s, %(by)s)
on conflict (scope) do update
    set person_usd = excluded.person_usd, person = excluded.person, changed_at = ledger_now()
returning scope, usd_per_day
