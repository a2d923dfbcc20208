"""Forges: where change requests are opened, checked and merged."""
