-- Every breaker of which something is known, the open ones first, with what waits behind nothing else.
select name, key,
       case when open_until is null then 'closed' when open_until > ledger_now() then 'open' else 'half-open' end as state,
       failures, error, opened_at, open_until, probe_run,
       (select job_id from runs where runs.id = breakers.probe_run) as probe_job
from breakers
where failures > 0 or open_until is not null or %(all)s
order by open_until is null, name
