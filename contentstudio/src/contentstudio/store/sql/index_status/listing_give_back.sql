-- A ping was refused, so nothing was told: these pages may be told of at once.
update listings set told_at = null where site = %(site)s and url = any(%(urls)s::text[]) and told_at = %(told_at)s
