-- Keeps one open alert for each schedule that finds nothing too often, and resolves those of the others.
with resolved as (
    update alerts set resolved_at = ledger_now()
    where resolved_at is null and kind = 'zero_work' and subject <> all(%(subject)s::text[])
)
select raise_alert('zero_work', n.subject, n.text, times => 0, news_only => true) as alert
from unnest(%(subject)s::text[], %(text)s::text[]) as n (subject, text)
where not exists (select from alerts a where a.kind = 'zero_work' and a.subject = n.subject and a.resolved_at is null)
