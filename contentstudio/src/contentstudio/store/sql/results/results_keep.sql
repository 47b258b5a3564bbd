-- What a source says of days takes the place of what it said of them before. Sixteen months are kept, as Search Console does.
with old as (
    delete from article_results
    where site = %(site)s and source = %(source)s and day < ledger_now()::date - 480
)
insert into article_results (site, slug, source, day, clicks, impressions, position, visits)
select %(site)s, slug, %(source)s, day, clicks, impressions, position, visits
from jsonb_to_recordset(%(rows)s::jsonb)
    as r (slug text, day date, clicks integer, impressions integer, "position" double precision, visits integer)
on conflict (site, slug, source, day) do update
set clicks = excluded.clicks, impressions = excluded.impressions, position = excluded.position, visits = excluded.visits
