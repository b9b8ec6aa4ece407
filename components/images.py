"""Images from a registry of one's own: with the setting `images.registry` every image of every chart comes from there.

An image keeps its path and tag and changes its registry: `docker.io/bitnamilegacy/mongodb:8` is
`<registry>/bitnamilegacy/mongodb:8`. Two sources that differ in nothing but their registry would meet there;
`python -m ops images` tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.charts import LIBRECHAT, OLLAMA
from components.faults import Fault
from components.provenance import KeyPath, Sources, dotted
from components.values import Values, merge

DOCKER_HUB = "docker.io"
BITNAMI = ("mongodb", "redis")
"""Parts of the LibreChat chart that take one registry for all of their images, sidecars and init containers too."""
DEFAULTS = {OLLAMA.name: "ollama/ollama", "meilisearch": "getmeili/meilisearch"}
"""What the charts without a key for the registry have as `image.repository` (ollama 1.77.0, meilisearch 0.11.0)."""
_REGISTRY_KEYS = ("registry", "imageRegistry")
UNMOVABLE = ("librechat-rag-api",)
"""Parts of the LibreChat chart whose images no value of the contract names."""


def split_registry(image: str) -> tuple[str, str]:
    """The registry of an image or repository, and the rest of it, as a container runtime reads the name."""
    first, slash, rest = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first, rest
    return DOCKER_HUB, image if slash else f"library/{image}"


@dataclass(frozen=True)
class Images:
    """Where a stack's images come from."""

    registry: str | None = None
    """Host, and the folder there if any; None for where the charts say."""
    pull_secret: str | None = None
    """A Secret of each namespace that lets its pods pull from there."""

    def mirrored(self, image: str) -> str:
        """The image, or repository, in the registry; as it is where there is none, or where it is there already."""
        if self.registry is None or image.startswith(f"{self.registry}/"):
            return image
        return f"{self.registry}/{split_registry(image)[1]}"

    def over(self, app: str, values: Values) -> Values:
        """An app's values with the keys by which its chart takes registry and Secret; charts unknown here stay."""
        if app == OLLAMA.name:
            return merge(values, self._of_ollama(values))
        if app == LIBRECHAT.name:
            return merge(values, self._of_librechat(values))
        return values

    def faults(self, values: Values, sources: Sources) -> Iterator[Fault]:
        """Every value that names an image of another registry, with its place."""
        if self.registry is None:
            return
        for path, image in _named(values):
            if not f"{image}/".startswith(f"{self.registry}/"):
                there = self.registry if path[-1] in _REGISTRY_KEYS else self.mirrored(image)
                yield Fault(
                    None,
                    f"{sources.origin(path).place}: {dotted(path)} names {image!r}, but the stack's images "
                    f"come from {self.registry} (images.registry); allowed: what is there, such as {there}. Change it, "
                    "or leave it out",
                )
        for part in UNMOVABLE:
            if (values.get(part) or {}).get("enabled"):
                yield Fault(
                    None,
                    f"{sources.origin((part, 'enabled')).place}: {part}.enabled brings images along that can't be led "
                    f"to {self.registry} (images.registry); allowed: false",
                )

    def _of_ollama(self, values: Values) -> Values:
        found: Values = {}
        if self.registry:
            found["image"] = {"repository": self.mirrored(_repository(values, OLLAMA.name))}
        if self.pull_secret:
            found["imagePullSecrets"] = [{"name": self.pull_secret}]
        return found

    def _of_librechat(self, values: Values) -> Values:
        found: Values = {}
        shared: Values = {}
        image: Values = {}
        if self.registry:
            found["image"] = {"registry": self.registry}
            image["repository"] = self.mirrored(_repository(values.get("meilisearch") or {}, "meilisearch"))
            # The chart refuses images from elsewhere than its makers' registry unless told so (2026-11, facts.md).
            shared |= {"imageRegistry": self.registry, "security": {"allowInsecureImages": True}}
        if self.pull_secret:
            found["imagePullSecrets"] = [{"name": self.pull_secret}]
            image["pullSecret"] = self.pull_secret
            shared["imagePullSecrets"] = [self.pull_secret]
        bitnami = {part: {"global": shared, **self._named_registry(values, part)} for part in BITNAMI if shared}
        return found | bitnami | ({"meilisearch": {"image": image}} if image else {})

    def _named_registry(self, values: Values, part: str) -> Values:
        """In place of a registry that a values file names; the one in `global` wins over it anyway."""
        named = ((values.get(part) or {}).get("image") or {}).get("registry")
        return {"image": {"registry": self.registry}} if named and self.registry else {}


def _repository(values: Mapping[str, Any], part: str) -> str:
    return str((values.get("image") or {}).get("repository") or DEFAULTS[part])


def _named(values: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """What the values name as a registry, a repository that begins with one, or a whole image."""
    if isinstance(values, Mapping):
        for key, item in values.items():
            here = (*path, key)
            if key == "image" and isinstance(item, Mapping):
                yield from _of_block(item, here)
            elif isinstance(item, str) and item and key in ("image", "imageRegistry"):
                yield here, item
            else:
                yield from _named(item, here)
    elif isinstance(values, Sequence) and not isinstance(values, str):
        for index, item in enumerate(values):
            yield from _named(item, (*path, index))


def _of_block(image: Mapping[str, Any], path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Of a block with registry, repository and tag: what decides over the registry."""
    registry, repository = image.get("registry"), image.get("repository")
    if image.get("reference"):  # A volume that is an image.
        yield (*path, "reference"), str(image["reference"])
    elif registry:
        yield (*path, "registry"), str(registry)
    elif repository and not _registry_stands_elsewhere(path, str(repository)):
        yield (*path, "repository"), str(repository)


def _registry_stands_elsewhere(path: KeyPath, repository: str) -> bool:
    """Whether a part of the chart puts the stack's registry in front of a repository that names none itself."""
    return path[0] in BITNAMI and not repository.startswith(f"{split_registry(repository)[0]}/")
