"""Services that can be looked at and restarted."""
