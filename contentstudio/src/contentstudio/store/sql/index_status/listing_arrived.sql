-- A ping arrived. What changed after it was begun is still to be told.
update listings
set submitted_at = %(told_at)s, accepted_at = case when %(accepted)s::boolean then %(told_at)s else accepted_at end
where site = %(site)s and url = any(%(urls)s::text[]) and told_at = %(told_at)s
