-- What was published since a moment: where it stands, and what its title is.
select p.job_id, p.key as site, p.output->>'url' as url, p.output->>'path' as path, p.output->>'action' as action,
       g.output->'draft'->>'title' as title, p.finished_at
from runs p
left join runs g on g.job_id = p.job_id and g.step = 'gate'
where p.pipeline = 'article' and p.step = 'publish' and p.status = 'succeeded' and p.finished_at >= %(since)s
order by p.key, p.finished_at
