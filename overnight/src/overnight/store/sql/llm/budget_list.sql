-- All budgets, with what today's calls have spent and what they hold.
select scope, usd_per_day,
       case when day = today then spent_usd else 0 end as spent_usd,
       case when day = today then reserved_usd else 0 end as reserved_usd,
       coalesce(person, 'config') as set_by, config_usd, changed_at
from budgets, (select (ledger_now() at time zone 'utc')::date as today) t
order by scope
