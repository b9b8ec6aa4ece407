"""What would change if a chart's version moved: manifests, values, images, and what the API server would refuse."""
