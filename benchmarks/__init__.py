"""Benchmarks: `python -m benchmarks`, each beside its floor. Never part of the tests."""
