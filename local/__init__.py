"""Everything that stands in for a real cluster on one machine."""
