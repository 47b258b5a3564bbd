"""Reading the web: a guarded client, robots.txt, politeness, decoding."""
