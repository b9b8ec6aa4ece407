"""Replacing one key of a deployed stack: what that means, and how the engine does it."""
