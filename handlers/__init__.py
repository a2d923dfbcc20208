"""Plane 1: every door in, and what Slack shows. Handlers parse, render and hand over; they decide nothing."""
