"""The application's own tables and queries."""

from overnight.sql import SqlFolder

queries = SqlFolder("contentstudio")
