"""Jobs from other programs: start them, see where they stand, wait for their results."""
