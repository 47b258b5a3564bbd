"""Telling search engines of new and changed pages."""
