-- Tells of slots that nobody fires, each once: the text names the slot, so the same text is no news.
insert into alerts (kind, subject, text)
select 'missed_slot', * from unnest(%(subject)s::text[], %(text)s::text[])
on conflict (kind, subject) where resolved_at is null do update
    set text = excluded.text, count = alerts.count + 1, last_at = ledger_now()
    where alerts.text <> excluded.text
