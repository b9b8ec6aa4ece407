"""Why a Helm release is not ready, from what its cluster says of it.

Importing this package costs next to nothing: the Kubernetes client is imported when a cluster is asked.
"""

from ops.diagnosis.failing import Explanation, explain_failure
from ops.diagnosis.transient import is_transient

__all__ = ["Explanation", "explain_failure", "is_transient"]
