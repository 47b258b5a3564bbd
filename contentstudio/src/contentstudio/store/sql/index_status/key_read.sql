-- Whether this key was found at this address.
select seen_at from index_keys where site = %(site)s and key = %(key)s and key_url = %(key_url)s
