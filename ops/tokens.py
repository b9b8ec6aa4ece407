"""Type tokens of resources, as the engine's state has them."""

HELM_APP = "chat:components:HelmApp"
NAMESPACE = "kubernetes:core/v1:Namespace"
SECRET = "kubernetes:core/v1:Secret"  # noqa: S105 - a type
QUOTA = "kubernetes:core/v1:ResourceQuota"
OBJECTS = "kubernetes:"
"""How the type of every object begins; that of a release does too."""
RELEASE = "kubernetes:helm.sh/v3:Release"
PRIORITY_CLASS = "kubernetes:scheduling.k8s.io/v1:PriorityClass"
GENERATED_KEY = "random:index/randomPassword:RandomPassword"
