"""The embedded Postgres server, and which database a command opens."""
