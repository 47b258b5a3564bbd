-- Replaces what a source told before: what it no longer tells is no longer looked for. The clicks of the week stay.
with told as (
    select * from jsonb_to_recordset(%(demands)s::jsonb)
        as d (query text, impressions integer, clicks integer, "position" double precision, weight double precision)
),
gone as (
    delete from demands d
    where d.site = %(site)s and d.source = %(source)s and not exists (select from told t where t.query = d.query)
),
week as (
    insert into demand_weeks (site, source, query, week, impressions, clicks)
    select %(site)s, %(source)s, query, date_trunc('week', ledger_now() at time zone 'utc')::date, impressions, clicks
    from told
    where clicks > 0
    on conflict (site, source, query, week) do update set impressions = excluded.impressions, clicks = excluded.clicks
),
old as (
    delete from demand_weeks where site = %(site)s and source = %(source)s and week < ledger_now() - interval '120 days'
)
insert into demands (site, source, query, impressions, clicks, position, weight, read_at)
select %(site)s, %(source)s, query, impressions, clicks, position, weight, ledger_now() from told
on conflict (site, source, query) do update
set impressions = excluded.impressions, clicks = excluded.clicks, position = excluded.position, weight = excluded.weight,
    read_at = excluded.read_at
