"""Ollama: serves the models, on GPU nodes where the stack asks for them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pulumi

from components import ports
from components.charts import LIBRECHAT, OLLAMA
from components.guardrails.apps import around_ollama, client_namespaces
from components.guardrails.objects import priority_class
from components.helm_app import HelmApp, HelmAppArgs
from components.platform import Platform
from components.settings import OllamaSettings, Resources
from components.values import Values, merge


@dataclass(frozen=True)
class OllamaArgs:
    """What Ollama is made from."""

    platform: Platform
    settings: OllamaSettings


class Ollama(pulumi.ComponentResource):
    """Serves models inside the cluster; it has no authentication of its own, so it gets no Ingress."""

    url: str
    """Where pods of the cluster reach it: `http://<service>.<namespace>.svc:<port>`."""
    models: tuple[str, ...]
    clients: tuple[str, ...]
    """Namespaces whose LibreChat it lets in."""
    app: HelmApp

    def __init__(self, name: str, args: OllamaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("chat:components:Ollama", name, None, opts)
        settings, platform = args.settings, args.platform
        values = ollama_values(name, platform.values(name), settings)
        self.app = HelmApp(
            name,
            HelmAppArgs(
                platform=platform,
                chart=dataclasses.replace(OLLAMA, version=settings.chart.version),
                namespace=settings.namespace,
                timeout=settings.chart.timeout,
                values=values,
                labels=settings.labels,
                guardrails=around_ollama(platform, settings, values),
                override=settings.values,
            ),
            pulumi.ResourceOptions(parent=self, depends_on=opts.depends_on if opts else None),
        )
        self.url = ollama_url(name, settings)
        self.models = settings.models
        self.clients = client_namespaces(platform.namespaces.get(LIBRECHAT.name), settings)
        self.register_outputs({"url": self.url, "models": list(self.models), "namespace": self.app.namespace})


def ollama_url(name: str, settings: OllamaSettings) -> str:
    """Where pods of the cluster reach Ollama; `name` is the release's."""
    return f"http://{name}.{settings.namespace}.svc:{ports.OLLAMA}"


def ollama_values(name: str, files: Values, settings: OllamaSettings) -> Values:
    """Helm values of the Ollama chart: the values files, the settings over them, `ollama.values` last.

    `name` is the release's name, which its Service gets too.
    """
    gpu: dict[str, Any] = {"enabled": settings.gpu.count > 0}
    if settings.gpu.count:
        gpu |= {"type": settings.gpu.vendor, "number": settings.gpu.count}
    computed: Values = {
        "fullnameOverride": name,
        "ollama": {"port": ports.OLLAMA, "gpu": gpu, "models": {"pull": list(settings.models)}},
        "service": {"port": ports.OLLAMA},
        # It never talks to the Kubernetes API (guardrails/accounts.py).
        "serviceAccount": {"automount": False},
        "persistentVolume": {"size": settings.storage.size},
    }
    # Lists replace: an empty one would undo what a values file says.
    if settings.node_selector:
        computed["nodeSelector"] = dict(settings.node_selector)
    if tolerations := _tolerations(settings):
        computed["tolerations"] = tolerations
    if settings.gpu.runtime_class:
        computed["runtimeClassName"] = settings.gpu.runtime_class
    if settings.priority is not None:
        computed["priorityClassName"] = priority_class(settings.namespace, settings.priority)
    if settings.storage.class_:
        computed["persistentVolume"]["storageClass"] = settings.storage.class_
    computed |= resources_values(settings.resources)
    return merge(files, computed, settings.values)


def resources_values(resources: Resources) -> Values:
    """`{"resources": …}` with what is set, or nothing: an empty or null block would undo what values files say."""
    parts = {"requests": dict(resources.requests), "limits": dict(resources.limits)}
    present = {part: quantities for part, quantities in parts.items() if quantities}
    return {"resources": present} if present else {}


def _tolerations(settings: OllamaSettings) -> list[Values]:
    tolerations = [item.model_dump(by_alias=True, exclude_none=True) for item in settings.tolerations]
    # The chart adds the toleration of NVIDIA's taint by itself, of AMD's it does not (chart 1.77.0).
    borne = any(item.key in (None, "amd.com/gpu") for item in settings.tolerations)
    if settings.gpu.count and settings.gpu.vendor == "amd" and not borne:
        tolerations.append({"key": "amd.com/gpu", "operator": "Exists", "effect": "NoSchedule"})
    return tolerations
