"""Edits that people made: the commits of checkouts and the releases of packages as requests."""
