-- concurrently: statement by statement, beside live workers. What follows may run again after it was cut off.

-- What lists show of an article: the words of its text, and the sources it cites. Null until a text is known.
alter table articles add column if not exists words int, add column if not exists sources int;

-- Lists are read a page at a time, the latest first, and searched by the beginnings of words in titles and slugs.
create index concurrently if not exists articles_changed on articles (changed_at, site, slug);
create index concurrently if not exists articles_words on articles
    using gin (to_tsvector('simple', spaced_words(title || ' ' || slug)));

-- Which article a job wrote, when another one works on it by now.
create index concurrently if not exists versions_job on versions (job_id);

-- What was published before: about as the program counts it, where words have blanks between them.
update articles a
set sources = jsonb_array_length(v.draft->'references'),
    words = (select coalesce(sum(cardinality(regexp_split_to_array(btrim(t.sentence #>> '{}'), '\s+'))), 0)
             from jsonb_path_query(v.draft, 'strict $.**.text') t (sentence))
from (select distinct on (site, slug) site, slug, draft from versions order by site, slug, at desc) v
where a.words is null and v.site = a.site and v.slug = a.slug;
