-- Who wrote a page, as the page or its feed says.
alter table snapshots add column author text;

-- What came of reading a page for an idea, by the URL that was asked: the text, or why there is none. Within a day it is
-- not asked again, and an attempt that was cut off goes on with the same pages.
create table readings (
    url      text primary key,
    snapshot text,
    fault    text,
    job_id   text not null,
    read_at  timestamptz not null default ledger_now(),
    check ((snapshot is null) <> (fault is null))
);

create index readings_read_at on readings (read_at);
create index readings_job on readings (job_id);

-- What the research of a job found: each fact with the passage that it rests on, which is `span_start` to `span_end` of the
-- snapshot's text, in characters. `hosts` say it, its own first; `contradicts` are the ids of notes that say otherwise.
create table notes (
    job_id       text not null,
    id           text not null,
    site         text not null,
    slug         text not null,
    text         text not null,
    span         text not null,
    span_start   int not null,
    span_end     int not null,
    snapshot     text not null,
    url          text not null,
    title        text not null,
    author       text,
    hosts        text[] not null,
    contradicts  text[] not null,
    published_at timestamptz,
    created_at   timestamptz not null default ledger_now(),
    primary key (job_id, id)
);

create index notes_site on notes (site, slug);
create index notes_snapshot on notes (snapshot);
create index notes_created_at on notes (created_at);

-- An article that was written or judged may be researched again, as it may be written again.
insert into article_transitions (from_state, to_state, verb) values
    ('writing',   'researching', 'research again'),
    ('verifying', 'researching', 'research again'),
    ('review',    'researching', 'research again'),
    ('ready',     'researching', 'research again'),
    ('rejected',  'researching', 'research again');
