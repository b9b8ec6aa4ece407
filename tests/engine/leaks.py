"""Looks for keys where none may be: in files, in what was printed, in what the API server keeps."""

from __future__ import annotations

import base64
import functools
import gzip
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from kubernetes.client import CoreV1Api

from tests.engine.kube import stored_bytes
from tests.engine.stacks import Stack

HELM_RECORD = "helm.sh/release.v1"


@functools.cache
def keys_of(stack: Stack) -> dict[str, str]:
    """Every key and password of the stack, by Secret and key, and the salt of checksums, which no Secret holds.

    They are read once: only for stacks whose keys stay as they are.
    """
    secrets: list[Any] = CoreV1Api(stack.api).list_namespaced_secret(stack.librechat).items
    found = {
        f"{secret.metadata.name}/{key}": base64.b64decode(text).decode()
        for secret in secrets
        if secret.type != HELM_RECORD
        for key, text in secret.data.items()
    }
    uri = found["librechat-credentials/MONGO_URI"]
    # As it stands in the URI: quoted, unlike the password itself.
    found["password in MONGO_URI"] = urlsplit(uri).password or ""
    exported = stack.engine.run("stack", stack.name, "export", "--show-secrets").stdout
    (salt,) = [
        item
        for item in json.loads(exported)["deployment"]["resources"]
        if item["urn"].endswith("::librechat-annotation-salt")
    ]
    found["salt"] = json.loads(salt["outputs"]["result"]["plaintext"])
    assert all(len(text) >= 16 for text in found.values()), "too short to be told from other text"
    return found


def forms(text: str) -> set[bytes]:
    """The text as it is, quoted for a URI and for JSON, and in base64, by itself or in the midst of something."""
    raw = text.encode()
    encoded = {base64.b64encode(raw)}
    for before in range(3):
        # Characters at the ends depend on what stands beside.
        inner = base64.b64encode(b"." * before + raw)[4 if before else 0 :]
        encoded.add(inner[: len(inner) - 4])
    return {raw, quote(text, safe="").encode(), json.dumps(text)[1:-1].encode(), *encoded}


def leaks(keys: Mapping[str, str], places: Mapping[str, bytes]) -> list[str]:
    """Which key is found in which place."""
    return [
        f"{name} in {place}"
        for name, text in keys.items()
        for place, content in places.items()
        if any(form in content for form in forms(text))
    ]


def files(stack: Stack) -> dict[str, bytes]:
    """Every file below the engine's directory: state, history, backups, config, logs, workspace."""
    root = stack.engine.directory
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def printed(texts: Iterable[str]) -> dict[str, bytes]:
    """What commands printed, by number."""
    return {f"output {number}": text.encode() for number, text in enumerate(texts, 1)}


def objects(stack: Stack) -> dict[str, bytes]:
    """Every object of the API server but the Secrets of LibreChat: pods, ConfigMaps, events, and so on."""
    own = f"secrets/{stack.librechat}/librechat-"
    return {key: content for key, content in stored_bytes(stack.cluster).items() if not key.startswith(own)}


def helm_records(stack: Stack) -> dict[str, bytes]:
    """Helm's records of the stack's releases, unpacked: values, manifests, chart."""
    found: dict[str, bytes] = {}
    for namespace in (stack.ollama, stack.librechat):
        secrets: list[Any] = CoreV1Api(stack.api).list_namespaced_secret(namespace).items
        for secret in secrets:
            if secret.type == HELM_RECORD:
                packed = base64.b64decode(base64.b64decode(secret.data["release"]))
                found[f"{namespace}/{secret.metadata.name}"] = gzip.decompress(packed)
    return found
