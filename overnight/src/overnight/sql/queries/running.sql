-- How many runs of the known pipelines are owned by anybody.
select count(*) as running from runs r
where r.status = 'running' and r.pipeline = any(%(pipelines)s::text[])
