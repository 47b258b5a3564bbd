-- The endpoint did not find the key, so it is looked for again.
delete from index_keys where site = %(site)s
