"""Stack files that don't fit together: two that claim the same on one cluster, or one that shares across two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from components.loading import Settings


def collisions(stacks: Sequence[Settings], unnamed: str) -> Iterator[tuple[str, str]]:
    """Each stack that claims namespaces or the host of one before it, and what to do about it.

    `unnamed` is the context that stands in where a stack file names none: nobody knows its cluster.
    """
    for number, settings in enumerate(stacks):
        platform = settings.platform
        for before in stacks[:number]:
            other = before.platform
            if not platform.context == other.context != unnamed:
                continue
            both = set(platform.namespaces.values()) & set(other.namespaces.values())
            if both:
                yield (
                    platform.stack,
                    f"claims the namespaces {', '.join(sorted(both))}, as Pulumi.{other.stack}.yaml does on the same "
                    f"context {platform.context}; allowed: namespaces of its own. Set team, or the namespace of each "
                    "app",
                )
            if (host := _host(settings)) and host == _host(before):
                yield (
                    platform.stack,
                    f'librechat.host found "{host}", as in Pulumi.{other.stack}.yaml on the same context '
                    f"{platform.context}; allowed: a host of its own. One ingress controller would answer for both",
                )


def out_of_reach(stacks: Sequence[Settings], unnamed: str) -> Iterator[tuple[str, str]]:
    """Each stack whose shared Ollama is on another context by that stack's file, and what to do about it.

    `up` does not look: a context is a name in somebody's kubeconfig, and theirs may be another for the same cluster.
    """
    by_name = {each.platform.stack: each.platform for each in stacks}
    for platform in by_name.values():
        shared = platform.served.stack if platform.served else None
        other = by_name.get(shared.rpartition("/")[2]) if shared else None
        if other and unnamed not in (platform.context, other.context) and platform.context != other.context:
            yield (
                platform.stack,
                f'sharedOllama.stack found "{shared}", which by Pulumi.{other.stack}.yaml is on the context '
                f"{other.context}, and this stack on {platform.context}: its address is known inside of its own "
                "cluster alone; allowed: a stack of the same cluster, or sharedOllama.url. Where both contexts are one "
                "cluster, name it alike in both files",
            )


def _host(settings: Settings) -> str | None:
    """The host that an Ingress has; None where there is no Ingress."""
    host = settings.librechat.host if settings.librechat else None
    return None if host == "localhost" else host
