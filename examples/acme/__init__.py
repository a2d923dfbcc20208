"""Acme, the sample organization: its infrastructure, its one service, and its configuration."""
