-- Pages to ask about, each once in a day: first those that are not known to be indexed, the longest unasked before others.
select slug, url from listings
where site = %(site)s and (asked_at is null or asked_at <= ledger_now() - interval '20 hours')
order by indexed, asked_at nulls first, slug
limit %(most)s
