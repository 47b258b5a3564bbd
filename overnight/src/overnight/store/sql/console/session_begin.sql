-- A person has logged in. What has expired is forgotten on the way.
with old as (delete from console_sessions where expires_at < ledger_now())
insert into console_sessions (hash, who, role, expires_at)
values (%(hash)s, %(who)s, %(role)s, ledger_now() + make_interval(secs => %(seconds)s))
