-- What stands on a site by our hand, as it stood when we last looked after publishing: who finds it otherwise knows that
-- a person changed it. `begun` are the hashes of drafts that were on their way since; `existing` is null until one has
-- arrived.
create table publications (
    site     text not null,
    slug     text not null,
    job_id   text not null,
    begun    text[] not null default '{}',
    existing jsonb,
    at       timestamptz not null default ledger_now(),
    primary key (site, slug)
);

-- Every version that was published, whole: going back to one is publishing it again, on any CMS.
create table versions (
    site   text not null,
    slug   text not null,
    sha256 text not null,
    draft  jsonb not null,
    job_id text not null,
    at     timestamptz not null default ledger_now(),
    primary key (site, slug, sha256)
);
