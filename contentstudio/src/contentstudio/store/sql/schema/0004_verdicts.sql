-- What each gate said of each draft, for good: who wonders why an article was held, or let through, finds it here.
-- `rewrite` is 0 for the draft as it came, and counts what the writer made of it with the reasons.
create table verdicts (
    job_id  text not null,
    attempt int not null,
    rewrite int not null default 0,
    gate    text not null,
    passed  boolean not null,
    reason  text not null,
    at      timestamptz not null default ledger_now(),
    primary key (job_id, attempt, rewrite, gate)
);

-- Which articles hold a place in a site's day. One row, so that two that come at once cannot both take the last place.
create table cadence (
    site text not null,
    day  date not null,
    jobs text[] not null,
    primary key (site, day)
);
