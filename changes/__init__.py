"""Plane 5: how an effect becomes real, from proposal to commitment. Pure: it says whether, never does."""
