-- What waits for money, by site, with what was said of the one that waits longest.
select distinct on (key) key as site, error as reason, count(*) over (partition by key) as count
from runs
where status = 'queued' and error_class = 'budget'
order by key, id
