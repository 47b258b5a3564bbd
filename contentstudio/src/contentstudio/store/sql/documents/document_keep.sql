-- Keeps an article of ours. A draft takes the place of what was chosen, but not of what readers have: that stays until
-- it is published again. What stands at its URL is no post of the owner's own, whoever thought so before.
with mistaken as (
    delete from documents where site = %(site)s and url = %(url)s and kind = 'own' and slug <> %(slug)s
)
insert into documents (site, slug, kind, title, text, sha256, url, job_id)
values (%(site)s, %(slug)s, %(kind)s, %(title)s, %(text)s, %(sha256)s, %(url)s, %(job_id)s)
on conflict (site, slug) do update
set kind = excluded.kind, title = excluded.title, text = excluded.text, sha256 = excluded.sha256, url = excluded.url,
    job_id = excluded.job_id, reason = null,
    updated_at = case when documents.sha256 = excluded.sha256 and documents.kind = excluded.kind
                      then documents.updated_at else ledger_now() end
where excluded.kind = 'published' or documents.kind not in ('published', 'own')
