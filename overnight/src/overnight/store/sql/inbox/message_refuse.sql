-- A dead letter that could not be replayed stays one, with the latest reason.
update messages set error = %(error)s where id = %(id)s and status = 'dead'
