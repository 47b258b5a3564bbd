-- How many articles hold a place in a site's day.
select coalesce(max(cardinality(jobs)), 0) as count from cadence
where site = %(site)s and day = (ledger_now() at time zone 'utc')::date
