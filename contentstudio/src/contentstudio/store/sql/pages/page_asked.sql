-- The server said that the page is as it was.
update pages set asked_at = ledger_now() where site = %(site)s and url = %(url)s
