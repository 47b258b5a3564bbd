-- A person has gone to sign in at a provider. Whoever did not come back is forgotten on the way.
with old as (delete from console_signins where expires_at < ledger_now())
insert into console_signins (hash, next_path, expires_at)
values (%(hash)s, %(next)s, ledger_now() + make_interval(secs => %(seconds)s))
