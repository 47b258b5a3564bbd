-- An answer of a batch that does not fit the type that was asked for: it is served to nobody.
update llm_calls
set status = 'failed', answer = null, error_kind = 'malformed', error = %(error)s
where id = %(id)s and status = 'stored' and batch_id is not null
