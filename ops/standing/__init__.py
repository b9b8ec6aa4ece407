"""How a stack stands, for `python -m ops status`: its releases, its models, and its last change."""
