-- The clock of the ledger.
select ledger_now() as now
