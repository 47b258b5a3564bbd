"""The command line of contentstudio."""
