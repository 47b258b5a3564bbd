-- What became of the message that came first with this key.
select id, sha256, target, status, error, jobs from messages where source = %(source)s and key = %(message_key)s
