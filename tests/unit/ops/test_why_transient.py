"""What is tried once more, and what is not."""

import pytest

from ops.diagnosis import is_transient


@pytest.mark.parametrize(
    "message",
    [
        # Seen with pulumi-kubernetes 4.25.0 while the API server was away (2026-11).
        'Kubernetes cluster unreachable: Get "https://127.0.0.1:18443/version": dial tcp 127.0.0.1:18443: '
        "connect: connection refused",
        'Get "https://10.0.0.1:6443/api": read tcp 10.0.0.2:5->10.0.0.1:6443: read: connection reset by peer',
        'Post "https://10.0.0.1:6443/apis/apps/v1/namespaces/ollama/deployments": net/http: TLS handshake timeout',
        'Get "https://ghcr.io/v2/": dial tcp 140.82.121.33:443: i/o timeout',
        'Get "https://ghcr.io/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded '
        "while awaiting headers)",
        'Head "https://ghcr.io/v2/danny-avila/librechat": context deadline exceeded',
        'Get "https://10.0.0.1:6443/api": EOF',
        "failed to fetch https://otwld.github.io/ollama-helm/index.yaml : 503 Service Unavailable",
        "unexpected status from HEAD request to https://ghcr.io/v2/x/manifests/1: 502 Bad Gateway",
        "GET https://ghcr.io/token: response status code 429: Too Many Requests",
        "etcdserver: leader changed",
        "the server is currently unable to handle the request",
        'http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR, debug=""',
    ],
)
def test_an_api_server_or_a_registry_that_is_away_is_tried_once_more(message: str) -> None:
    assert is_transient([message])
    assert is_transient(["something else", message])


@pytest.mark.parametrize(
    "message",
    [
        "release ollama failed, and has been uninstalled due to atomic being set: context deadline exceeded",
        "error running update: failed to become available within allocated timeout",
        "timed out waiting for the condition",
        'Unable to continue with install: ServiceAccount "ollama" in namespace "ollama" exists and cannot be imported',
        'pods "ollama-" is forbidden: exceeded quota: small, requested: limits.memory=503Gi, used: limits.memory=0',
        "cannot re-use a name that is still in use",
        'failed to pull: Get "https://ghcr.oi/v2/": dial tcp: lookup ghcr.oi: no such host',
        'Get "https://mirror/index.yaml": tls: failed to verify certificate: x509: certificate signed by unknown '
        "authority, connection refused",
        "chart ollama version 1.502.0 not found in https://charts.example.com:5030 repository",
    ],
)
def test_what_waiting_does_not_mend_is_not_tried_again(message: str) -> None:
    assert not is_transient([message])


def test_what_the_provider_or_helm_can_not_try_again_is_not_tried_again() -> None:
    refused = 'Get "https://127.0.0.1:1/version": dial tcp 127.0.0.1:1: connect: connection refused'
    assert is_transient([refused])
    for decided in (
        # The provider looked when it started, and remembers.
        f"can't create Helm Release with unreachable cluster: {refused}",
        # Helm's record says that it is still at it.
        f"an error occurred while uninstalling the release. original install error: x: {refused}",
        f"an error occurred while rolling back the release. original upgrade error: x: {refused}",
    ):
        assert not is_transient([decided])
    assert not is_transient([])
