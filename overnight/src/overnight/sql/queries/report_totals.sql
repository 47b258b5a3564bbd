-- What happened since a moment: retries (failed attempts that were tried again), calls of models and what they cost.
select (select count(*) from attempts where finished_at >= %(since)s and outcome = 'retry') as retries,
       (select count(*) from attempts where finished_at >= %(since)s and outcome = 'lost') as lost,
       (select count(*) from llm_calls where started_at >= %(since)s and status <> 'cached') as llm_calls,
       (select count(*) from llm_calls where started_at >= %(since)s and status = 'cached') as llm_cached,
       (select coalesce(sum(cost_usd), 0) from llm_calls where started_at >= %(since)s) as cost_usd
