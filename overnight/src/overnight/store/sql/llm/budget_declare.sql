-- The limits of an app's configuration, all of them: one that it has no more is forgotten. What a person set is not
-- touched. What the changed budgets hold back is due at once.
with gone as (
    delete from budgets
    where config_app = %(app)s and person_usd is null and scope <> all(%(scope)s::text[])
    returning scope
),
forgotten as (
    update budgets
    set config_usd = null, config_app = null
    where config_app = %(app)s and person_usd is not null and scope <> all(%(scope)s::text[])
),
written as (
    insert into budgets (scope, config_usd, config_app)
    select c.scope, c.usd, %(app)s
    from unnest(%(scope)s::text[], %(usd)s::numeric[]) as c (scope, usd)
    order by c.scope
    on conflict (scope) do update
        set config_usd = excluded.config_usd, config_app = excluded.config_app, changed_at = ledger_now()
        where (budgets.config_usd, budgets.config_app) is distinct from (excluded.config_usd, excluded.config_app)
    returning scope
)
update runs
set due_at = ledger_now()
where status = 'queued' and outcome = 'held' and error_class in ('budget', 'reserved')
  and exists (select from (select scope from gone union all select scope from written) changed
              where in_scope(changed.scope, pipeline, key, step))
