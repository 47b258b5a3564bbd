-- What was said of a page.
update listings
set asked_at = ledger_now(), crawled_at = %(crawled_at)s::timestamptz, indexed = %(indexed)s, verdict = %(verdict)s
where site = %(site)s and slug = %(slug)s
