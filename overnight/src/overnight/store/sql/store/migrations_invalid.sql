-- Whether an index of that name was cut off while it was made concurrently: it costs what an index costs and serves nothing.
select indexrelid from pg_index where indexrelid = to_regclass(%(name)s) and not indisvalid
