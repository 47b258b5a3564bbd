-- Keeps a text once, and notes that its page has it from now on, unless that is what the page had already.
with kept as (
    insert into snapshots (sha256, url, title, text, language, published_at, author)
    values (%(sha256)s, %(url)s, %(title)s, %(text)s, %(language)s, %(published_at)s, %(author)s)
    on conflict (sha256) do nothing
)
insert into page_snapshots (url, snapshot)
select %(url)s, %(sha256)s
where %(sha256)s is distinct from (select snapshot from page_snapshots where url = %(url)s order by since desc limit 1)
on conflict (url, since) do nothing
