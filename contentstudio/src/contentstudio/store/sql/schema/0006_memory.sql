-- Vectors, by pgvector where the server has it and lets us use it, and as plain arrays elsewhere. Either way they have
-- length 1, so that `likeness` is their product: 1 is the same, 0 has nothing in common. There is no index: a site has
-- thousands of documents and not millions, and looking at 5,000 of them takes 13 ms (540 ms by plain arrays).
do $$
begin
    create extension if not exists vector;
    create domain embedding as vector;
    create function likeness(one embedding, other embedding) returns double precision
        language sql immutable strict parallel safe return - (one::vector <#> other::vector);
exception when undefined_file or feature_not_supported or insufficient_privilege then
    create domain embedding as real[];
    create function likeness(one embedding, other embedding) returns double precision
        language sql immutable strict parallel safe
        return (select sum(o.a::double precision * o.b) from unnest(one::real[], other::real[]) as o (a, b));
end $$;

-- The vector of a text by its hash, from each provider that was in use: a text is paid for once, and vectors of two
-- providers are never compared.
create table embeddings (
    sha256    text not null,
    provider  text not null,
    dimension int not null,
    vector    embedding not null,
    primary key (sha256, provider)
);

-- What a site has, is about to have, and shall not have: one memory for every decision. `slug` is an article's; of a
-- post that is the owner's own, the path of its URL. `sha256` is over the text that is compared, with its title.
-- `job_id` is the article's job; `reason` is why it was rejected.
create table documents (
    site       text not null,
    slug       text not null,
    kind       text not null check (kind in ('chosen', 'queued', 'published', 'rejected', 'own')),
    title      text not null,
    text       text not null,
    sha256     text not null,
    url        text,
    reason     text,
    job_id     text,
    updated_at timestamptz not null default ledger_now(),
    primary key (site, slug)
);

-- Topics from before this table are in the memory too.
insert into documents (site, slug, kind, title, text, sha256)
select t.site, t.slug, 'chosen', t.title, s.text,
       encode(sha256(convert_to(t.title || e'\n\n' || s.text, 'UTF8')), 'hex')
from topics t join snapshots s on s.sha256 = t.snapshot;

-- The pages that may become topics, as they were found. `settings` are those under which a page was judged: other ones
-- may judge it otherwise. `chosen_by` is the job that did.
create table candidates (
    site      text not null,
    snapshot  text not null references snapshots,
    url       text not null,
    title     text not null,
    sha256    text not null,
    found_on  date not null,
    settings  text not null,
    chosen_by text,
    primary key (site, snapshot)
);

create index candidates_open on candidates (site) where chosen_by is null;

-- What became of each story, for good: its factors, the decision and the reason.
create table choices (
    site       text not null,
    slug       text not null,
    chosen_by  text not null,
    found_on   date not null,
    title      text not null,
    decision   text not null check (decision in ('create', 'update', 'skip')),
    reason     text not null,
    target     text,
    near       text,
    likeness   double precision,
    score      double precision not null,
    factors    jsonb not null,
    url        text not null,
    snapshots  text[] not null,
    chosen_at  timestamptz not null default ledger_now(),
    primary key (site, slug, chosen_by)
);

create index choices_target on choices (site, target) where target is not null;
create index choices_when on choices (chosen_at);

-- What a source told of a query in a week (its Monday), so that two times can be compared. Four months are kept.
create table demand_weeks (
    site        text not null,
    source      text not null,
    query       text not null,
    week        date not null,
    impressions integer not null,
    clicks      integer not null,
    primary key (site, source, query, week)
);
