select name, key, failures, errors, opened_at, open_until, probe_run, error, version, ledger_now() as now
from unnest(%(names)s::text[]) as n (name) left join breakers using (name)
