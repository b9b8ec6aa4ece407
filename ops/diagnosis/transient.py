"""Which errors go away by themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence

DECIDED = re.compile(
    # The provider found the cluster away when it started, and doesn't look again (pulumi-kubernetes 4.25).
    r"with unreachable cluster|configured Kubernetes cluster is unreachable"
    # Helm's record is left as if the operation went on: it refuses to begin again.
    r"|an error occurred while (?:uninstalling|rolling back) the release"
    # The address is wrong, or the certificate: waiting mends neither.
    r"|no such host|x509:|certificate signed by unknown authority",
    re.IGNORECASE,
)
TRANSIENT = re.compile(
    r"connect(?:ion)?:? (?:refused|reset by peer|timed out)|i/o timeout|TLS handshake timeout"
    r"|Client\.Timeout exceeded|request canceled while waiting for connection"
    # Of one request; helm's own "context deadline exceeded" stands alone and says that a release isn't ready.
    r"|(?:Get|Head|Post|Put|Patch|Delete) \"[^\"]+\": (?:context deadline exceeded|(?:unexpected )?EOF|http2: )"
    r"|http2: client connection (?:lost|force closed)|server sent GOAWAY|use of closed network connection"
    r"|broken pipe|network is unreachable|no route to host|temporary failure in name resolution|server misbehaving"
    r"|etcdserver: (?:leader changed|request timed out)|apiserver (?:is shutting down|not ready)"
    r"|the server is currently unable to handle the request|the server was unable to return a response in the time"
    r"|\b(?:429 Too Many Requests|502 Bad Gateway|503 Service Unavailable|504 Gateway Time-?out)"
    r"|\b(?:status(?: code)?:?|code:?|responded with|HTTP(?:/[\d.]+)?) \"?(?:429|502|503|504)\b|toomanyrequests",
    re.IGNORECASE,
)


def is_transient(messages: Sequence[str]) -> bool:
    """Whether one of the messages tells of something that goes away by itself: API server or registry away or busy."""
    return any(TRANSIENT.search(message) and not DECIDED.search(message) for message in messages)
