"""Real edits as requests: from commits of checkouts and from releases of packages."""
