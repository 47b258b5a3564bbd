"""Checks of the configuration, the sites and their CMS."""
