-- What is due and held back by a switch.
select held as scope, count(*) as count
from (select switched_off(pipeline, key, step) as held from runs where status = 'queued' and due_at <= ledger_now()) r
where held is not null
group by held
order by held
