"""The tables of data_sync: migrations in sql/schema, which overnight applies, and one query a file
in sql/queries.
"""
