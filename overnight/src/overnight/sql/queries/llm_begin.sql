-- Books a call before it is made: one that is never settled was cut off by a crash, and stays visible.
insert into llm_calls (run_id, job_id, step, pipeline, key, attempt, provider, model, request_hash, status)
values (%(run_id)s, %(job_id)s, %(step)s, %(pipeline)s, %(key)s, %(attempt)s, %(provider)s, %(model)s,
        %(request_hash)s, 'started')
returning id
