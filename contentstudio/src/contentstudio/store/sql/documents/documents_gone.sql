-- Forgets the posts of the owner's own that are not there any more.
delete from documents where site = %(site)s and kind = 'own' and url <> all(%(urls)s::text[])
