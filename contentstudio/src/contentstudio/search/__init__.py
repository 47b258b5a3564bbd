"""Where research searches: one port, one adapter for each search engine.

The archive, which needs a database of texts, is `store.archive`.
"""
