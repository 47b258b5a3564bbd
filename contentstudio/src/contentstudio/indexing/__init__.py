"""Telling search engines of new and changed pages, and asking what became of them."""
