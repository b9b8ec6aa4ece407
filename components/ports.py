"""TCP ports of the apps and their parts, as the pinned charts have them (ollama 1.77.0, librechat 2.0.7)."""

OLLAMA = 11434
LIBRECHAT = 3080
MONGODB = 27017
MEILISEARCH = 7700
REDIS = 6379
