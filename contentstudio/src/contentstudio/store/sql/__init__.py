"""The application's own tables and queries."""

from overnight.store.sql import SqlFolder

queries = SqlFolder("contentstudio", "store/sql")
