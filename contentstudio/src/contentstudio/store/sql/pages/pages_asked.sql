-- When each of these URLs was last asked; what never was is missing.
select url, asked_at from pages where site = %(site)s and url = any(%(urls)s::text[])
