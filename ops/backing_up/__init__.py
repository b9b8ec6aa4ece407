"""What a backup is, how it is taken out of a stack, and how it gets into one."""
