-- A signed request comes once: nothing is returned where it has come before. What no longer counts is forgotten on the way.
with old as (delete from console_requests where expires_at < ledger_now())
insert into console_requests (hash, expires_at)
values (%(hash)s, ledger_now() + make_interval(secs => %(seconds)s))
on conflict (hash) do nothing
returning hash
