-- The key was found at its address.
insert into index_keys (site, key, key_url) values (%(site)s, %(key)s, %(key_url)s)
on conflict (site) do update set key = excluded.key, key_url = excluded.key_url, seen_at = ledger_now()
