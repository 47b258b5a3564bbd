-- The calls of a batch that have no result yet.
select c.id, c.request_hash, c.model, c.reserved_usd
from llm_calls c
where c.batch_id = %(id)s and c.status = 'started'
order by c.id
