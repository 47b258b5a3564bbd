-- Runs per status among those that were made or touched since a moment.
select status, count(*) as count from runs
where coalesce(finished_at, started_at, created_at) >= %(since)s or created_at >= %(since)s
group by status
order by status
