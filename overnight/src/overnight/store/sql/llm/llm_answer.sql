-- The stored answer to this very request, so that it is not paid for twice; as long as answers are kept.
select id, run_id, batch_id, answer, stop_reason, model from llm_calls
where request_hash = %(request_hash)s and status = 'stored' and answer is not null
order by id desc
limit 1
