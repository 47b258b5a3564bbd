-- Something that is different after every transaction that wrote.
select pg_snapshot_xmax(pg_current_snapshot())::text as mark
