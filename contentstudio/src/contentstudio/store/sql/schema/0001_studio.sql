-- What was read, word for word: a claim is checked against this and not against a page that may have changed.
create table snapshots (
    sha256       text primary key,
    url          text not null,
    title        text not null,
    text         text not null,
    language     text,
    published_at timestamptz,
    read_at      timestamptz not null default ledger_now()
);

-- One topic per slug and site, for good: yesterday's topic found again does nothing.
create table topics (
    site     text not null,
    slug     text not null,
    title    text not null,
    url      text not null,
    snapshot text not null references snapshots,
    score    double precision not null,
    factors  jsonb not null,
    found_on date not null,
    primary key (site, slug)
);
