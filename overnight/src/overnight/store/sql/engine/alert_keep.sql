-- Keeps open the alerts of these kinds that are given, each with its latest sentence, and resolves the others of them.
with current as (
    select * from unnest(%(kind)s::text[], %(subject)s::text[], %(text)s::text[]) as f (kind, subject, text)
),
resolved as (
    update alerts set resolved_at = ledger_now()
    where resolved_at is null and kind = any(%(kinds)s::text[])
      and (kind, subject) not in (select kind, subject from current)
)
select raise_alert(f.kind, f.subject, f.text, times => 0, news_only => true) as alert
from (select * from current order by kind, subject) f
