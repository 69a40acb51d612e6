"""Measurements: cases and metrics of suggestions, simulated typing, latency, and their reports."""
