-- What the server said of a page that was read just now.
insert into pages (site, url, answered_by, etag, last_modified, settings, job_id, read_at, asked_at)
values (%(site)s, %(url)s, %(answered_by)s, %(etag)s, %(last_modified)s, %(settings)s, %(job_id)s, ledger_now(), ledger_now())
on conflict (site, url) do update
set answered_by = excluded.answered_by, etag = excluded.etag, last_modified = excluded.last_modified,
    settings = excluded.settings, job_id = excluded.job_id, read_at = excluded.read_at, asked_at = excluded.asked_at
