-- What a person turned down since a moment, and why.
select a.target as job_id, r.key as site, coalesce(r.output->'draft'->>'title', a.target) as title, a.reason, a.by, a.at
from actions a
join runs r on r.job_id = a.target and r.step = a.step
where a.verb = 'reject' and a.at >= %(since)s
order by r.key, a.at
