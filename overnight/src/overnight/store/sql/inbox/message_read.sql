select id, source, target, bare, status, error, body, received_at from messages where id = %(id)s
