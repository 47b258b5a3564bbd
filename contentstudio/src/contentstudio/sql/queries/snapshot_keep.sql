insert into snapshots (sha256, url, title, text, language, published_at)
values (%(sha256)s, %(url)s, %(title)s, %(text)s, %(language)s, %(published_at)s)
on conflict (sha256) do nothing
