-- Keeps a post of the owner's own, unless it stands where an article of ours does. It has one slug, whichever it had.
with moved as (
    delete from documents where site = %(site)s and url = %(url)s and kind = 'own' and slug <> %(slug)s
)
insert into documents (site, slug, kind, title, text, sha256, url)
select %(site)s, %(slug)s, 'own', %(title)s, %(text)s, %(sha256)s, %(url)s
where not exists (select from documents d where d.site = %(site)s and d.url = %(url)s and d.kind <> 'own')
on conflict (site, slug) do update
set title = excluded.title, text = excluded.text, sha256 = excluded.sha256, url = excluded.url,
    updated_at = case when documents.sha256 = excluded.sha256 then documents.updated_at else ledger_now() end
where documents.kind = 'own'
