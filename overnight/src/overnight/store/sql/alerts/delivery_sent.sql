-- Marks a message as sent. That it arrived is true, whoever else may have taken it meanwhile: no fence.
update deliveries set sent_at = ledger_now(), taken_at = null, error = null where id = %(id)s and sent_at is null
