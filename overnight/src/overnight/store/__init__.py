"""The ledger in Postgres: the connection pool, the migrations, and the guarded statements."""
