"""Strict YAML, with the place of every value: how the organization's files are read, whoever wrote them."""
