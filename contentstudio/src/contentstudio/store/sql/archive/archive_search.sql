-- The texts that have most of the words of a query, the best first, each at the page that has it now. What is in another
-- language than the query is left out. `words` are the query's, without blanks in them. A stop word counts for nothing; of
-- the others a text has half at least. Texts that have more of them come first; among equals those where they stand close
-- together, beside the length of the text; of more than 500 texts with as many words only the newest 500 are compared.
with terms as (
    select phraseto_tsquery(text_configuration(%(language)s::text), spaced_words(t.word))
           || phraseto_tsquery('simple', spaced_words(t.word)) as term
    from unnest(%(words)s::text[]) as t (word)
    where numnode(phraseto_tsquery(text_configuration(%(language)s::text), spaced_words(t.word))) > 0
),
found as (  -- by the index alone, term by term: the words of a text are read only where they are ranked
    select w.sha256, count(*) as matched
    from terms t
    join snapshot_words w on w.words @@ t.term
    group by w.sha256
    having count(*) * 2 >= (select count(*) from terms)
),
pages as (
    select distinct on (f.sha256) f.sha256, f.matched, p.url, p.since
    from found f
    join snapshots s on s.sha256 = f.sha256 and (s.language is null or s.language = %(language)s)
    join page_snapshots p on p.snapshot = f.sha256
    where not exists (select from page_snapshots n where n.url = p.url and n.since > p.since)
    order by f.sha256, p.since desc, p.url
),
shortlist as (
    select * from pages order by matched desc, since desc, url limit 500
)
select l.sha256, l.url, s.title, s.published_at, left(s.text, 100000) as text
from shortlist l
join snapshots s using (sha256)
join snapshot_words w using (sha256)
cross join (select string_agg('(' || term::text || ')', ' | ')::tsquery as terms from terms) q
order by l.matched desc, ts_rank_cd(w.words, q.terms, 1) desc, l.since desc, l.url
limit %(limit)s
