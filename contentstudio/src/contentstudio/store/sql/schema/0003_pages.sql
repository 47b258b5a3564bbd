-- What a site knows of the URLs that it reads, so that each is asked only whether it changed. `answered_by` is where the
-- redirects led: what that server said of the page is told to no other. `job_id` read it last, under these `settings`.
create table pages (
    site          text not null,
    url           text not null,
    answered_by   text not null,
    etag          text,
    last_modified text,
    settings      text not null,
    job_id        text not null,
    read_at       timestamptz not null,
    asked_at      timestamptz not null,
    primary key (site, url)
);

-- Which text a URL had from when on. A changed page gets a new row, and the old text stays.
create table page_snapshots (
    url      text not null,
    since    timestamptz not null default ledger_now(),
    snapshot text not null references snapshots,
    primary key (url, since)
);

-- The robots.txt of an origin (scheme, host and port) as it was read.
create table robots (
    origin  text primary key,
    rules   text not null,
    read_at timestamptz not null
);

-- Whose turn it is at a host, over all workers. Nobody asks it before `free_at`: a turn that its holder never gives
-- back, because it died, ends by itself.
create table hosts (
    host    text primary key,
    holder  text not null,
    free_at timestamptz not null
);

-- What people look for, as a source told it last. `position` is the average one among search results, from 1 on;
-- `weight` is the owner's own word for how much it matters.
create table demands (
    site        text not null,
    source      text not null,
    query       text not null,
    impressions integer not null,
    clicks      integer not null,
    position    double precision,
    weight      double precision not null,
    read_at     timestamptz not null,
    primary key (site, source, query)
);
