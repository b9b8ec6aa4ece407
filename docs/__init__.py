"""What keeps the README true to the code."""
