-- What waits for money, by site, with what was said of the one that waits longest, and the budget that holds it: of those
-- that count its calls the one with the least room.
select distinct on (r.key) r.key as site, r.error as reason, count(*) over (partition by r.key) as count, b.scope
from runs r
left join lateral (
    select scope from budgets
    where in_scope(scope, r.pipeline, r.key, r.step)
    order by usd_per_day - spent_usd - reserved_usd, scope
    limit 1) b on true
where r.status = 'queued' and r.error_class = 'budget'
order by r.key, r.id
