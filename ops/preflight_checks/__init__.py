"""Whether a release can run on its cluster, asked before it is created or changed.

`running` puts it together: `rendering` makes the manifests, `reading` asks the API server for all that the checks look
at, and each check is a pure function over both (`View`). Nothing here writes to a cluster.
"""
