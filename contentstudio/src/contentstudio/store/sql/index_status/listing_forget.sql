-- Readers see it no more.
delete from listings where site = %(site)s and slug = %(slug)s
