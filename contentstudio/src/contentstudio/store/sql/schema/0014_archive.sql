-- concurrently: statement by statement, beside live workers. What follows may run again after it was cut off.

-- How words of a language are compared. These configurations are part of every Postgres from 14 on; in other languages
-- words are compared as they stand.
create or replace function text_configuration(language text) returns regconfig
    language sql immutable parallel safe
    return case lower(left(language, 2))
        when 'ar' then 'pg_catalog.arabic'::regconfig
        when 'ca' then 'pg_catalog.catalan'::regconfig
        when 'da' then 'pg_catalog.danish'::regconfig
        when 'de' then 'pg_catalog.german'::regconfig
        when 'el' then 'pg_catalog.greek'::regconfig
        when 'en' then 'pg_catalog.english'::regconfig
        when 'es' then 'pg_catalog.spanish'::regconfig
        when 'eu' then 'pg_catalog.basque'::regconfig
        when 'fi' then 'pg_catalog.finnish'::regconfig
        when 'fr' then 'pg_catalog.french'::regconfig
        when 'ga' then 'pg_catalog.irish'::regconfig
        when 'hi' then 'pg_catalog.hindi'::regconfig
        when 'hu' then 'pg_catalog.hungarian'::regconfig
        when 'hy' then 'pg_catalog.armenian'::regconfig
        when 'id' then 'pg_catalog.indonesian'::regconfig
        when 'it' then 'pg_catalog.italian'::regconfig
        when 'lt' then 'pg_catalog.lithuanian'::regconfig
        when 'nb' then 'pg_catalog.norwegian'::regconfig
        when 'ne' then 'pg_catalog.nepali'::regconfig
        when 'nl' then 'pg_catalog.dutch'::regconfig
        when 'no' then 'pg_catalog.norwegian'::regconfig
        when 'pt' then 'pg_catalog.portuguese'::regconfig
        when 'ro' then 'pg_catalog.romanian'::regconfig
        when 'ru' then 'pg_catalog.russian'::regconfig
        when 'sr' then 'pg_catalog.serbian'::regconfig
        when 'sv' then 'pg_catalog.swedish'::regconfig
        when 'ta' then 'pg_catalog.tamil'::regconfig
        when 'tr' then 'pg_catalog.turkish'::regconfig
        when 'yi' then 'pg_catalog.yiddish'::regconfig
        else 'pg_catalog.simple'::regconfig end;

-- A text as its words with blanks between them. Punctuation becomes blanks, so that it is the same whatever the server's
-- locale takes for a letter. Of scripts without blanks (Thai, Lao, Burmese, Khmer, Japanese, Chinese) each character is a
-- word, which a phrase of two finds. A tsvector holds a megabyte, and 100,000 characters always fit.
create or replace function spaced_words(content text) returns text
    language sql immutable strict parallel safe
    return regexp_replace(
        regexp_replace(left(content, 100000),
                       '[!-/:-@\[-`{-~\u00a0-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff\u3000-\u3004\u3008-\u3020\u30fb\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]+',
                       ' ', 'g'),
        '([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30fa\u30fc-\u30ff\u3400-\u9fff\uf900-\ufaff])', ' \1 ', 'g');

create or replace function searchable(title text, content text, language text) returns tsvector
    language sql immutable parallel safe
    return setweight(to_tsvector(text_configuration(language), spaced_words(title)), 'A')
        || to_tsvector(text_configuration(language), spaced_words(content));

-- The words of each text that was read. The trigger keeps them, whichever version of the program keeps the text.
create table if not exists snapshot_words (
    sha256 text primary key references snapshots on delete cascade,
    words  tsvector not null
);

create or replace function snapshot_words_keep() returns trigger language plpgsql as $$
begin
    insert into snapshot_words (sha256, words) values (new.sha256, searchable(new.title, new.text, new.language)) on conflict do nothing; return null; end $$;

create or replace trigger snapshot_words_keep after insert on snapshots
    for each row execute function snapshot_words_keep();

-- What was read before, a thousand texts at a time. A text that retention deletes meanwhile is left out.
do $$
begin
    loop
        insert into snapshot_words (sha256, words)
        select s.sha256, searchable(s.title, s.text, s.language)
        from (select * from snapshots k
              where not exists (select from snapshot_words w where w.sha256 = k.sha256)
              limit 1000
              for key share skip locked) s
        on conflict do nothing; exit when not found; commit; end loop; end $$;

create index concurrently if not exists snapshot_words_words on snapshot_words using gin (words);
