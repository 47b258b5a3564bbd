-- Budgets in dollars a day (UTC). A call reserves the most that it can cost before it starts, and settles after; one that
-- was cut off by a crash stays reserved, for it may have been billed. A call counts on the day on which it began.

-- The limit is what a person set, or else what an app's configuration says; both are kept, so that a person's can be taken
-- back.
create table budgets (
    scope        text primary key check (scope = 'all' or scope ~ '^(pipeline|key|step):.+$'),
    config_usd   numeric(14, 6) check (config_usd >= 0),
    config_app   text,
    person_usd   numeric(14, 6) check (person_usd >= 0),
    person       text,
    usd_per_day  numeric(14, 6) not null generated always as (coalesce(person_usd, config_usd)) stored,
    changed_at   timestamptz not null default ledger_now(),
    day          date not null default (ledger_now() at time zone 'utc')::date, -- the day of the two sums
    spent_usd    numeric(14, 6) not null default 0,
    reserved_usd numeric(14, 6) not null default 0
);

alter table llm_calls
    add column reserved_usd numeric(14, 6) not null default 0, -- the most it can cost; once settled, what nobody can know
    add column reserved_in  text[] not null default '{}';      -- the budgets that hold it

create function in_scope(scope text, pipeline text, key text, step text) returns boolean
    language sql immutable parallel safe
    return scope in ('all', 'pipeline:' || pipeline, 'key:' || key, 'step:' || pipeline || '/' || step);

-- A new budget counts what today's calls have spent already, and holds what is reserved for those that are under way.
create function budgets_catch_up() returns trigger language plpgsql as $$
declare
    midnight constant timestamptz := new.day::timestamp at time zone 'utc';
begin
    update llm_calls c
    set reserved_in = c.reserved_in || new.scope
    where c.status = 'started' and c.started_at >= midnight
      and in_scope(new.scope, c.pipeline, c.key, c.step) and new.scope <> all(c.reserved_in);
    update budgets b
    set (spent_usd, reserved_usd) = (
        select coalesce(sum(c.cost_usd), 0), coalesce(sum(c.reserved_usd), 0)
        from llm_calls c
        where c.started_at >= midnight and in_scope(new.scope, c.pipeline, c.key, c.step))
    where b.scope = new.scope;
    return null;
end $$;

create trigger budgets_catch_up after insert on budgets for each row execute function budgets_catch_up();
