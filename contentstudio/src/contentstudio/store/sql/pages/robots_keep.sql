insert into robots (origin, rules, read_at) values (%(origin)s, %(rules)s, ledger_now())
on conflict (origin) do update set rules = excluded.rules, read_at = excluded.read_at
