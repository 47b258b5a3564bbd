-- Books an answer that was there already: it costs nothing, so no budget is asked.
insert into llm_calls (run_id, job_id, step, pipeline, key, attempt, provider, model, request_hash, status, stop_reason,
                       finished_at)
values (%(run_id)s, %(job_id)s, %(step)s, %(pipeline)s, %(key)s, %(attempt)s, %(provider)s, %(model)s, %(request_hash)s,
        'cached', %(stop_reason)s, ledger_now())
