-- The calls of models, the newest first: of a job, or of all. `before` is the id of the last one of the page before.
select c.id, c.job_id, c.pipeline, c.step, c.key, c.attempt, c.provider, c.model, c.status, c.input_tokens, c.output_tokens,
       c.cost_usd, c.error_kind, c.error, c.started_at, c.finished_at
from llm_calls c
where (%(job_id)s::text is null or c.run_id = any (array(select r.id from runs r where r.job_id = %(job_id)s)))
  and (%(before)s::bigint is null or c.id < %(before)s)
order by c.id desc
limit %(limit)s
