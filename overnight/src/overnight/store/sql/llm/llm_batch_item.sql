-- The last call with this request that went by a batch, and in how many seconds the provider is asked about it again.
select c.status, c.error_kind, c.error, c.input_tokens, c.output_tokens,
       extract(epoch from b.look_at - ledger_now())::float8 as pause
from llm_calls c join llm_batches b on b.id = c.batch_id
where c.request_hash = %(request_hash)s and c.batch_id is not null
order by c.id desc
limit 1
