"""Hints that something may be due. Losing or doubling one costs time, never correctness."""
