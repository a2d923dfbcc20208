"""Continuous integration on this machine: it validates what is asked for and applies what was merged. Not the agent."""
