-- Keeps one open alert for each schedule that finds nothing too often, and resolves those of the others.
with well as (
    update alerts set resolved_at = ledger_now()
    where resolved_at is null and kind = 'zero_work' and subject <> all(%(subject)s::text[])
)
insert into alerts (kind, subject, text)
select 'zero_work', * from unnest(%(subject)s::text[], %(text)s::text[])
on conflict (kind, subject) where resolved_at is null do nothing
