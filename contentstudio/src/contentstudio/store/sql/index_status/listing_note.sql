-- Readers can see it: from now on search engines know nothing of this version.
insert into listings (site, slug, url, job_id)
values (%(site)s, %(slug)s, %(url)s, %(job_id)s)
on conflict (site, slug) do update set url = excluded.url, job_id = excluded.job_id, changed_at = ledger_now()
