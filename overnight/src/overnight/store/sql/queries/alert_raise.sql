-- Opens alerts, or counts once more on those that are open. One row of a kind and subject in each call.
insert into alerts (kind, subject, text, job_id)
select * from unnest(%(kind)s::text[], %(subject)s::text[], %(text)s::text[], %(job_id)s::text[])
on conflict (kind, subject) where resolved_at is null do update
    set text = excluded.text, job_id = excluded.job_id, count = alerts.count + 1, last_at = ledger_now()
