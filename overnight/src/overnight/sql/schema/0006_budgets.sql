-- Budgets in dollars a day (UTC). A call reserves the most that it can cost before it starts, and settles after; one that
-- was cut off by a crash stays reserved, for it may have been billed.
create table budgets (
    scope        text primary key check (scope = 'all' or scope ~ '^(pipeline|key|step):.+$'),
    usd_per_day  numeric(14, 6) not null check (usd_per_day >= 0),
    day          date not null default (ledger_now() at time zone 'utc')::date, -- the day of the two sums
    spent_usd    numeric(14, 6) not null default 0,
    reserved_usd numeric(14, 6) not null default 0,
    changed_by   text not null default '',
    changed_at   timestamptz not null default ledger_now()
);

alter table llm_calls add column reserved_usd numeric(14, 6) not null default 0;
