-- The texts that have most of the words of a query, the best first, each at the page that has it now. What is in another
-- language than the query is left out. `words` are the query's, without blanks in them. A stop word counts for nothing; of
-- the others a text has half at least. Texts that have more of them come first; among equals those where they stand close
-- together, beside the length of the text.
with terms as (
    select phraseto_tsquery(text_configuration(%(language)s::text), spaced_words(t.word))
           || phraseto_tsquery('simple', spaced_words(t.word)) as term
    from unnest(%(words)s::text[]) as t (word)
    where numnode(phraseto_tsquery(text_configuration(%(language)s::text), spaced_words(t.word))) > 0
),
question as (
    select string_agg('(' || term::text || ')', ' | ')::tsquery as terms, count(*) as number from terms
),
found as (
    select w.sha256, (select count(*) from terms t where w.words @@ t.term) as matched,
           ts_rank_cd(w.words, q.terms, 1) as rank
    from question q
    join snapshot_words w on w.words @@ q.terms
),
pages as (
    select distinct on (f.sha256) f.sha256, p.url, p.since, f.matched, f.rank
    from found f
    join question q on f.matched * 2 >= q.number
    join page_snapshots p on p.snapshot = f.sha256
    where not exists (select from page_snapshots n where n.url = p.url and n.since > p.since)
    order by f.sha256, p.since desc, p.url
)
select p.sha256, p.url, s.title, s.published_at, left(s.text, 100000) as text
from pages p
join snapshots s using (sha256)
where s.language is null or s.language = %(language)s
order by p.matched desc, p.rank desc, p.since desc, p.url
limit %(limit)s
