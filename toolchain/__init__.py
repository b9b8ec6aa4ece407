"""Where the programs come from when they aren't there (README.md; programs.toml is the list)."""
