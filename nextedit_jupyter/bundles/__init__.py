"""Model bundles: what they are made of, how they are stored, trusted and fetched."""
