-- All budgets, with what today's calls have spent and what they hold; since when one of these was refused, and when the next
-- day begins.
select scope, usd_per_day,
       case when day = today then spent_usd else 0 end as spent_usd,
       case when day = today then reserved_usd else 0 end as reserved_usd,
       coalesce(person, 'config') as set_by, config_usd, changed_at,
       (select a.first_at from alerts a
        where a.kind = 'budget_spent' and a.subject = scope || ' ' || to_char(today, 'YYYY-MM-DD') and a.resolved_at is null) as refused_at,
       (today + 1)::timestamp at time zone 'utc' as renews_at
from budgets, (select (ledger_now() at time zone 'utc')::date as today) t
order by scope
