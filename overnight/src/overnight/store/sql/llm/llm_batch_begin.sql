-- The intent to send a batch. For `grace` seconds nobody asks the provider whether it has it: it is being sent.
insert into llm_batches (provider, mark, look_at)
values (%(provider)s, %(mark)s, ledger_now() + make_interval(secs => %(grace)s))
returning id
