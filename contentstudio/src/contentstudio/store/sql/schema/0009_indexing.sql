-- What readers can see by our hand, and what search engines were told and say of it. `changed_at` is when it was last
-- published; every other time is compared with it, for what is known of an older version is not known of this one.
-- `told_at` is the last ping that was begun, `submitted_at` the last one that arrived, `accepted_at` one that was
-- accepted too, each by the moment of its beginning. `sitemap_at` is when a sitemap that lists it was submitted. The rest
-- is what Google said when it was asked.
create table listings (
    site         text not null,
    slug         text not null,
    url          text not null,
    job_id       text not null,
    changed_at   timestamptz not null default ledger_now(),
    told_at      timestamptz,
    submitted_at timestamptz,
    accepted_at  timestamptz,
    sitemap_at   timestamptz,
    asked_at     timestamptz,
    crawled_at   timestamptz,
    indexed      boolean not null default false,
    verdict      text,
    primary key (site, slug)
);

-- The key of IndexNow that was found at its address, so that it is looked at once and not before each ping.
create table index_keys (
    site    text primary key,
    key     text not null,
    key_url text not null,
    seen_at timestamptz not null default ledger_now()
);

-- Which job of a site was the last to publish, and when: the next one keeps its distance.
create table paces (
    site   text primary key,
    job_id text not null,
    at     timestamptz not null
);
