-- How each site was when a worker looked at it last: whether it is fit for us, and each finding in words.
create table site_checks (
    site       text primary key,
    ok         boolean not null,
    findings   jsonb not null,
    job_id     text not null,
    checked_at timestamptz not null default ledger_now()
);

-- For the calendar: what came on a day, and what is on its way.
create index versions_first_at on versions (first_at);
create index articles_under_way on articles (site)
    where state not in ('published', 'unpublished', 'refreshing', 'rejected');
