"""The writers: from what was read to a draft."""
