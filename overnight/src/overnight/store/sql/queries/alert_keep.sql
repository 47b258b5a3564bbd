-- Keeps open the alerts of these kinds that are given, each with its latest sentence, and resolves the others of them.
with found as (
    select * from unnest(%(kind)s::text[], %(subject)s::text[], %(text)s::text[]) as f (kind, subject, text)
),
well as (
    update alerts set resolved_at = ledger_now()
    where resolved_at is null and kind = any(%(kinds)s::text[])
      and (kind, subject) not in (select kind, subject from found)
)
insert into alerts (kind, subject, text)
select kind, subject, text from found order by kind, subject
on conflict (kind, subject) where resolved_at is null do update
    set text = excluded.text, last_at = ledger_now()
    where alerts.text <> excluded.text
