-- A wrong password is written down. What no longer counts is forgotten on the way.
with old as (delete from console_failures where at < ledger_now() - make_interval(secs => %(within)s))
insert into console_failures (address) values (%(address)s)
