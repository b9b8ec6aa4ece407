"""What a killed process leaves behind of a stack, and how it is mended."""
