"""What a stack says of Ollama."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from components import charts
from components.formats import DnsLabel, DnsName, LabelKey, LabelValue, ModelName, SemVer, StorageSize
from components.settings.base import REQUIRED, Model, Resources, app_labels, app_namespace, app_values, setting
from components.settings.guardrails import (
    Egress,
    PodSecurityLevel,
    QuotaEntries,
    app_egress,
    app_pod_security,
    app_quota,
)


class Gpu(Model):
    """The GPUs of an Ollama pod."""

    count: Annotated[int, Field(ge=0)] = setting(
        0, "GPUs of the Ollama pod; 0 runs on CPU", "a whole number, 0 or more"
    )
    vendor: Literal["nvidia", "amd"] = setting("nvidia", "maker of the GPUs", "nvidia or amd")
    runtime_class: DnsName | None = setting(
        None, "RuntimeClass that gives containers the GPU, where the cluster needs one", "a Kubernetes name"
    )


class Toleration(Model):
    """A taint that the Ollama pod bears."""

    key: LabelKey | None = setting(None, "taint key; absent with operator Exists means every taint", "a label key")
    operator: Literal["Equal", "Exists"] = setting("Equal", "how value is compared", "Equal or Exists")
    value: LabelValue | None = setting(None, "taint value, with operator Equal", "a label value")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = setting(
        None, "taint effect; absent means every effect", "NoSchedule, PreferNoSchedule or NoExecute"
    )
    toleration_seconds: Annotated[int, Field(ge=0)] | None = setting(
        None, "seconds that a NoExecute taint is borne; absent means for ever", "a whole number of seconds, 0 or more"
    )


class OllamaStorage(Model):
    """The volume that keeps pulled models."""

    size: StorageSize = setting("30Gi", "size of the model volume", "a size such as 30Gi")
    class_: DnsName | None = setting(
        None, "StorageClass; absent means the cluster's default", "the name of a StorageClass", alias="class"
    )


class OllamaChart(Model):
    """Which Ollama chart, and how long it may take."""

    version: SemVer = setting(charts.OLLAMA.version, "version of the Ollama chart", "a version such as 1.77.0")
    # The pod is Ready only when every model is pulled, one after another (2026-11, facts.md).
    timeout: Annotated[int, Field(ge=1)] = setting(
        1800, "seconds until a release that isn't ready is rolled back; model pulls count", "a whole number of seconds"
    )


class OllamaSettings(Model):
    """Everything that a stack says of Ollama."""

    namespace: DnsLabel = app_namespace("ollama")
    labels: dict[LabelKey, LabelValue] = app_labels()
    models: Annotated[tuple[ModelName, ...], Field(min_length=1)] = setting(
        REQUIRED, "models to pull", "a list of one or more names such as llama3.2:1b"
    )
    gpu: Gpu = setting(Gpu(), "GPUs", "the keys of gpu")
    node_selector: dict[LabelKey, LabelValue] = setting(
        {}, "labels of the nodes that may run Ollama", "label keys and values"
    )
    tolerations: tuple[Toleration, ...] = setting(
        (), "taints that Ollama bears, besides the NVIDIA taint that the chart adds", "a list of tolerations"
    )
    storage: OllamaStorage = setting(OllamaStorage(), "model volume", "the keys of storage")
    resources: Resources = setting(Resources(), "requests and limits of the Ollama pod", "requests and limits")
    pod_security: PodSecurityLevel = app_pod_security()
    registry: bool = setting(True, "whether its pods may call registries on the internet over HTTPS", "true or false")
    egress: tuple[Egress, ...] = app_egress()
    clients: tuple[DnsLabel, ...] = setting(
        (), "namespaces of other stacks whose LibreChat may call this Ollama", "a list of namespaces"
    )
    public_without_authentication: bool = setting(
        False, "whether whoever reaches an address outside of the cluster may use the models", "true or false"
    )
    quota: QuotaEntries = app_quota()
    priority: Annotated[int, Field(ge=-1000000000, le=1000000000)] | None = setting(
        None,
        "priority of the pods over others of the cluster, by a PriorityClass of its own",
        "a whole number from -1000000000 to 1000000000",
    )
    chart: OllamaChart = setting(OllamaChart(), "chart", "version and timeout")
    values: dict[str, Any] = app_values()
