"""Where a stack's LibreChat finds its models: the stack's own Ollama, another stack's, or one at an address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components import ports
from components.addresses import (
    PRIVATE_NAMES,
    host_of,
    is_of_pod,
    is_private,
    leads_to,
    missing_way,
    namespace_in,
    port_of,
)
from components.faults import Fault
from components.settings import Egress, SharedOllamaSettings


@dataclass(frozen=True)
class Served:
    """The models that LibreChat may offer, and who serves them."""

    url: str
    models: tuple[str, ...]
    namespace: str | None
    """None where it is outside of the cluster."""
    release: str | None
    """The Helm release whose pods answer; None where nobody knows what answers."""
    told_by: str
    """Where a model is added, for errors."""
    own: bool = False
    """Whether it is the stack's own Ollama."""
    stack: str | None = None
    """The stack that told it, where it is another one."""
    complete: bool = True
    """False where `models` is only what the stack itself asks for, since nobody could be asked for the rest."""

    @property
    def ports(self) -> tuple[int, ...]:
        """Where its pods may listen: a Service at one port may well lead to Ollama's own."""
        return tuple(sorted({ports.OLLAMA, port_of(self.url)}))


def at_url(settings: SharedOllamaSettings) -> Served:
    """The Ollama at `sharedOllama.url`."""
    url = settings.url or ""
    namespace = settings.namespace or namespace_in(host_of(url))
    return Served(url, settings.models, namespace, None, "sharedOllama.models")


def of_stack(stack: str, release: str, outputs: Mapping[str, Any]) -> Served | None:
    """The Ollama of another stack, from that stack's outputs; None where it has none."""
    url, models, namespaces = (outputs.get(key) for key in ("ollamaUrl", "models", "namespaces"))
    namespace = namespaces.get(release) if isinstance(namespaces, Mapping) else None
    if not (isinstance(url, str) and isinstance(models, Sequence) and models and namespace):
        return None
    told_by = f"ollama.models of the stack {stack}"
    return Served(url, tuple(map(str, models)), str(namespace), release, told_by, stack=stack)


def stack_faults(stack: str, served: Served | None, outputs: Mapping[str, Any], namespace: str) -> Iterator[Fault]:
    """Why a LibreChat in `namespace` can't use the Ollama of that stack."""
    key = "sharedOllama.stack"
    if served is None:
        yield Fault(
            key,
            f'found "{stack}", which has no Ollama of its own; allowed: a stack of this program with ollama, deployed '
            f"by pulumi up --stack {stack}",
        )
    clients = outputs.get("clients")
    if served is not None and isinstance(clients, Sequence) and namespace not in clients:
        let_in = ", ".join(map(str, clients)) or "none"
        yield Fault(
            key,
            f'found "{stack}", whose Ollama lets in these namespaces and not {namespace}: {let_in}; allowed: a stack '
            f"that lets it in. Add {namespace} to ollama.clients there, then pulumi up --stack {stack}",
        )


def model_faults(served: Served, default_model: str) -> Iterator[Fault]:
    """The default model that Ollama doesn't have; of the stack's own Ollama components/checks.py says it."""
    if served.complete and default_model not in served.models:
        yield Fault(
            "librechat.defaultModel",
            f'found "{default_model}", which the shared Ollama does not have; allowed: {", ".join(served.models)}. '
            f"Choose one, or add it to {served.told_by}",
        )


def url_faults(
    served: Served, settings: SharedOllamaSettings, egress: Sequence[Egress], *, policies: bool
) -> Iterator[Fault]:
    """Why LibreChat should not, or could not, call `sharedOllama.url`."""
    host, port = host_of(served.url), port_of(served.url)
    if is_of_pod(host):
        yield Fault(
            "sharedOllama.url", f'found "{served.url}", which in a pod is the pod itself; allowed: another host'
        )
        return
    if served.namespace is not None:
        return
    if served.url.startswith("http://") and not is_private(host) and not settings.allow_plain_http:
        yield Fault(
            "sharedOllama.url",
            f'found "{served.url}": outside of the cluster, over http, anybody on the way reads the chats; allowed: '
            "https, an address of this cluster (.svc, or with sharedOllama.namespace), a private address or name "
            f"({', '.join(f'.{name}' for name in PRIVATE_NAMES)}), or sharedOllama.allowPlainHttp: true",
        )
    if policies and not leads_to(host, port, egress):
        missing, example = missing_way(host, port)
        yield Fault(
            "librechat.egress",
            f"{missing}, but sharedOllama.url is outside of the cluster, where the network rules let nothing through; "
            f"allowed: the addresses behind {host}, such as {example}. Where it is inside, say so by "
            "sharedOllama.namespace",
        )
