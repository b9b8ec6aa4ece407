"""Drift: what the objects of a release hold beside what it declares. Pure functions, and what reads and heals."""
