"""Plane 2. May this happen? Pure: rules in; decisions, verdicts and their reasons out."""
