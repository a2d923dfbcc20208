"""Plane 3, the operator loop: the trusted half (controller), the stateless half (worker), and the doors between."""
