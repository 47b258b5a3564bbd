"""Where research searches: one port, one adapter for each search engine."""
