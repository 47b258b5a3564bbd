-- A call of a model with what was sent and what came back. One that found a stored answer has those of the call that paid.
select c.id, c.job_id, c.pipeline, c.step, c.key, c.attempt, c.provider, c.model, c.status, c.stop_reason, c.input_tokens,
       c.output_tokens, c.cost_usd, c.error_kind, c.error, c.started_at, c.finished_at, paid.id as paid_by,
       coalesce(paid.answer, c.answer) as answer, asked.request - 'texts' as options,
       coalesce((select jsonb_object_agg(part.key, t.text)
                 from jsonb_each_text(asked.request->'texts') part
                 join llm_texts t on t.run_id = asked.run_id and t.sha256 = decode(part.value, 'hex')), '{}') as texts
from llm_calls c
left join lateral (
    select p.id, p.run_id, p.request, p.answer
    from llm_calls p
    where c.status = 'cached' and p.status = 'stored' and p.request_hash = c.request_hash and p.answer is not null
    order by p.id desc
    limit 1
) paid on true
cross join lateral (
    select coalesce(paid.run_id, c.run_id) as run_id, coalesce(paid.request, c.request) as request
) asked
where c.id = %(id)s
