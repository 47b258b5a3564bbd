-- Takes the turn at a host for at most so many seconds, or says for how many it is still taken. No row at all: another
-- one was the first to ask, at the same moment.
with taken as (
    insert into hosts (host, holder, free_at)
    values (%(host)s, %(holder)s, ledger_now() + make_interval(secs => %(seconds)s))
    on conflict (host) do update set holder = excluded.holder, free_at = excluded.free_at
        where hosts.free_at <= ledger_now()
    returning host
)
select 0::float8 as wait from taken
union all
select extract(epoch from free_at - ledger_now())::float8 from hosts
where host = %(host)s and not exists (select from taken)
