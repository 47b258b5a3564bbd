update workers set stopped_at = ledger_now() where boot_id = %(worker)s
