"""Conditions: CEL behind a gate. Read `condition` for what one is, `gate` for what may be one."""
