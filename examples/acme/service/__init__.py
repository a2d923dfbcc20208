"""The service `web`: a program of its own that countersign watches and restarts."""
