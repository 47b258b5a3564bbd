update effects set status = 'done', result = %(result)s::jsonb, done_at = ledger_now()
where id = %(id)s and status = 'intended'
