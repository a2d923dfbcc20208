"""A small Terraform scanner, run as a program of its own: `python -m tools.scanner PATH` prints SARIF 2.1.0."""
