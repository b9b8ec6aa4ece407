"""Check `architecture`: whether the charts' images run on the nodes that the pods may get."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ops.diagnosis.objects import Object, name
from ops.preflight_checks.findings import Said, fails, unknown, well
from ops.preflight_checks.fitting import options
from ops.preflight_checks.manifests import Pods, containers
from ops.preflight_checks.scheduling import prepared
from ops.preflight_checks.view import View

AMD64, ARM64 = "linux/amd64", "linux/arm64"
LABEL = "kubernetes.io/arch"


@dataclass(frozen=True)
class Images:
    """What is known of an image, or of those of its tags that end so."""

    repository: str
    platforms: tuple[str, ...]
    tag_end: str = ""


# The first that fits holds.
KNOWN = (
    # Frozen since 2025-08, built for amd64 only (facts.md, 2026-11).
    Images("bitnamilegacy/mongodb", (AMD64,)),
    Images("bitnamilegacy/redis", (AMD64,)),
    # From the makers' release workflows, read 2026-11: ollama .github/workflows/release.yaml, LibreChat tag-images.yml,
    # meilisearch publish-docker-images.yml.
    Images("ollama/ollama", (AMD64,), tag_end="-rocm"),
    Images("ollama/ollama", (AMD64, ARM64)),
    Images("danny-avila/librechat", (AMD64, ARM64)),
    Images("getmeili/meilisearch", (AMD64, ARM64)),
)


def architecture(view: View) -> Iterator[Said]:
    """Whether no pod can get to a node for which its images are not built."""
    nodes = view.all("nodes")
    platforms = sorted({_platform(node) for node in nodes})
    if platforms == [AMD64]:
        yield well(f"every node is {AMD64}, for which every image is built")
        return
    said = [item for pods in prepared(view, view.pods) for item in _judge(view, pods, nodes)]
    yield from said
    if not said:
        yield well(f"every image is built for the nodes that its pod may get ({', '.join(platforms)})")


def platforms_of(image: str) -> tuple[str, ...] | None:
    """The platforms that an image is built for, None where that is not known here."""
    path, _, tag = image.partition("@")[0].rpartition(":")
    if "/" in tag or not path:  # The colon was that of a registry's port, or there is none.
        path, tag = image.partition("@")[0], ""
    for known in KNOWN:
        if f"/{path}".endswith(f"/{known.repository}") and tag.endswith(known.tag_end):
            return known.platforms
    return None


def _judge(view: View, pods: Pods, nodes: Sequence[Object]) -> Iterator[Said]:
    # Where it may go by labels and taints; what is free there changes.
    where = {key: pods.spec[key] for key in ("nodeSelector", "tolerations", "affinity") if pods.spec.get(key)}
    found = options(where, nodes, {})
    allowed = [node for node in nodes if name(node) in {*found.sure, *found.unsure}]
    release = view.rendered.release.name
    for image in dict.fromkeys(container["image"] for container in containers(pods.spec)):
        known = platforms_of(image)
        wrong = [node for node in allowed if _platform(node) not in (known or (AMD64,))]
        if not wrong:
            continue
        listed = ", ".join(f"{name(node)} ({_platform(node)})" for node in wrong[:3])
        listed += f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        if known is None:
            yield unknown(
                f"{pods.owner}: it may come to {listed}, and for what {image} is built is not known here",
                f"Look at the image; if need be, lead the pods with a node selector {LABEL} in {release}.values",
            )
        else:
            only = "must" if len(wrong) == len(allowed) else "may"
            yield fails(
                f"{pods.owner}: it {only} come to {listed}, and {image} is built for {', '.join(known)} only",
                f"Lead the pods with a node selector {LABEL} in {release}.values, or add such a node"
                if only == "must"
                else f"Lead the pods with a node selector {LABEL} in {release}.values",
            )


def _platform(node: Object) -> str:
    labels = node["metadata"].get("labels") or {}
    info = node.get("status", {}).get("nodeInfo") or {}
    system = labels.get("kubernetes.io/os") or info.get("operatingSystem") or "linux"
    return f"{system}/{labels.get(LABEL) or info.get('architecture') or 'amd64'}"
