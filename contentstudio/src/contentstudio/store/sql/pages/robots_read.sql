-- What was read within the last day: RFC 9309 lets nobody rely on older rules.
select rules from robots where origin = %(origin)s and read_at > ledger_now() - interval '24 hours'
