"""Many virtual machines at once: a table of names and values, one operation, a result for each."""
