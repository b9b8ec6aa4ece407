"""What people run besides `pulumi`: `python -m ops <command>`."""
