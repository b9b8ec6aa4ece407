"""The settings tree: every key that a stack file may set, its type, its default, and what is allowed.

The classes are frozen and hold nothing but what was parsed; `components/loading.py` reads and checks them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, Secret, StringConstraints
from pydantic.alias_generators import to_camel

from components import charts
from components.formats import (
    HEX_KEY_LENGTHS,
    DnsLabel,
    DnsName,
    EnvName,
    Host,
    LabelKey,
    LabelValue,
    ModelName,
    Quantity,
    ResourceName,
    SemVer,
    StorageSize,
    hex_key,
)

REQUIRED: Any = ...


def setting(default: Any, description: str, allowed: str, alias: str | None = None) -> Any:
    """A field with what README and errors say of it: what it is for, and what is allowed."""
    return Field(default, description=description, json_schema_extra={"allowed": allowed}, alias=alias)


class Model(BaseModel):
    """Frozen, strict (no text taken for a number), camelCase in YAML; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, alias_generator=to_camel, defer_build=True)


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


class Resources(Model):
    """Requests and limits of a container."""

    requests: dict[ResourceName, Quantity] = setting(
        {}, "what the scheduler reserves", "quantities such as cpu: 500m, memory: 2Gi"
    )
    limits: dict[ResourceName, Quantity] = setting(
        {}, "what the container may use", "quantities such as cpu: 4, memory: 8Gi"
    )


class OllamaStorage(Model):
    """The volume that keeps pulled models."""

    size: StorageSize = setting("30Gi", "size of the model volume", "a size such as 30Gi")
    class_: DnsName | None = setting(
        None, "StorageClass; absent means the cluster's default", "the name of a StorageClass", alias="class"
    )


class LibreChatStorage(Model):
    """The volumes of the chat: uploaded images, the database, the search index."""

    images: StorageSize = setting("10Gi", "size of the volume for uploaded images", "a size such as 10Gi")
    mongodb: StorageSize = setting("8Gi", "size of the database volume", "a size such as 8Gi")
    meilisearch: StorageSize = setting("10Gi", "size of the search index volume", "a size such as 10Gi")
    class_: DnsName | None = setting(
        None,
        "StorageClass of all three; absent means the cluster's default",
        "the name of a StorageClass",
        alias="class",
    )


class OllamaChart(Model):
    """Which Ollama chart, and how long it may take."""

    version: SemVer = setting(charts.OLLAMA.version, "version of the Ollama chart", "a version such as 1.77.0")
    # The pod is Ready only when every model is pulled, one after another (2026-11, facts.md).
    timeout: Annotated[int, Field(ge=1)] = setting(
        1800, "seconds until a release that isn't ready is rolled back; model pulls count", "a whole number of seconds"
    )


class LibreChatChart(Model):
    """Which LibreChat chart, and how long it may take."""

    version: SemVer = setting(charts.LIBRECHAT.version, "version of the LibreChat chart", "a version such as 2.0.7")
    # Three images and three volumes, on a cold node; MongoDB initialises its data directory first.
    timeout: Annotated[int, Field(ge=1)] = setting(
        900, "seconds until a release that isn't ready is rolled back", "a whole number of seconds"
    )


def _namespace(default: str) -> Any:
    return setting(default, "namespace, created and owned by the stack", "a DNS label of up to 63 characters")


def _labels() -> Any:
    return setting({}, "labels added to the namespace and the Secrets", "label keys and values")


def _values() -> Any:
    return setting({}, "Helm values with the last word over values/ and settings", "any values that the chart reads")


class OllamaSettings(Model):
    """Everything that a stack says of Ollama."""

    namespace: DnsLabel = _namespace("ollama")
    labels: dict[LabelKey, LabelValue] = _labels()
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
    chart: OllamaChart = setting(OllamaChart(), "chart", "version and timeout")
    values: dict[str, Any] = _values()


class SuppliedKeys(Model):
    """Keys of an installation that moves in; what is absent is generated. Encrypted config only."""

    jwt_secret: Annotated[str, hex_key(64)] | None = setting(
        None, "signs sessions", f"{HEX_KEY_LENGTHS['JWT_SECRET']} hex characters", alias="JWT_SECRET"
    )
    jwt_refresh_secret: Annotated[str, hex_key(64)] | None = setting(
        None,
        "signs refresh tokens",
        f"{HEX_KEY_LENGTHS['JWT_REFRESH_SECRET']} hex characters, different from JWT_SECRET",
        alias="JWT_REFRESH_SECRET",
    )
    creds_key: Annotated[str, hex_key(64)] | None = setting(
        None, "encrypts users' stored credentials", f"{HEX_KEY_LENGTHS['CREDS_KEY']} hex characters", alias="CREDS_KEY"
    )
    creds_iv: Annotated[str, hex_key(32)] | None = setting(
        None, "encrypts users' stored credentials", f"{HEX_KEY_LENGTHS['CREDS_IV']} hex characters", alias="CREDS_IV"
    )
    meili_master_key: Annotated[str, StringConstraints(pattern=r"^[!-~]{16,}$")] | None = setting(
        None, "Meilisearch's master key", "16 or more printable ASCII characters, no space", alias="MEILI_MASTER_KEY"
    )
    mongodb_root_password: Annotated[str, StringConstraints(pattern=r"^[!-~]+$")] | None = setting(
        None, "MongoDB's root password", "printable ASCII characters, no space", alias="MONGODB_ROOT_PASSWORD"
    )
    # The chart's Secret joins several users' passwords by commas (2026-11, facts.md), so one can't hold a comma.
    mongodb_password: Annotated[str, StringConstraints(pattern=r"^[!-+\--~]+$")] | None = setting(
        None, "password of the database user librechat", "printable ASCII characters, no space or comma",
        alias="MONGODB_PASSWORD",
    )  # fmt: skip


class LibreChatSettings(Model):
    """Everything that a stack says of LibreChat."""

    namespace: DnsLabel = _namespace("librechat")
    labels: dict[LabelKey, LabelValue] = _labels()
    host: Host = setting(
        REQUIRED,
        "DNS name of the chat; localhost means no Ingress, use kubectl port-forward",
        "a DNS name or localhost",
    )
    tls_secret: DnsName | None = setting(
        None, "name of the TLS Secret of the Ingress; absent means plain HTTP", "the name of a Secret in the namespace"
    )
    ingress_class: DnsName | None = setting(
        None, "IngressClass; absent means the cluster's default", "the name of an IngressClass"
    )
    title: Annotated[str, Field(min_length=1)] = setting("Private ChatGPT", "title of the chat", "any text")
    registration: bool = setting(False, "whether anybody who reaches the page may sign up", "true or false")
    default_model: ModelName = setting(REQUIRED, "model of a new conversation", "one of ollama.models")
    storage: LibreChatStorage = setting(LibreChatStorage(), "volumes", "the keys of storage")
    resources: Resources = setting(Resources(), "requests and limits of the LibreChat pod", "requests and limits")
    env: dict[EnvName, str] = setting(
        {}, "extra environment of LibreChat", "names and texts (numbers and booleans quoted)"
    )
    secret_env: dict[EnvName, Secret[str]] = setting(
        {},
        "extra secret environment of LibreChat; encrypted config only",
        "names and texts (numbers and booleans quoted)",
    )
    keys: Secret[SuppliedKeys] = setting(
        Secret(SuppliedKeys()), "keys of an existing installation; encrypted config only", "the keys of keys"
    )
    chart: LibreChatChart = setting(LibreChatChart(), "chart", "version and timeout")
    values: dict[str, Any] = _values()

    @property
    def url(self) -> str:
        """Where a browser finds the chat; on localhost through `kubectl port-forward`."""
        if self.host == "localhost":
            return "http://localhost:3080"
        return f"{'https' if self.tls_secret else 'http'}://{self.host}"


CheckName = Literal[
    "version",
    "permissions",
    "names",
    "storage",
    "gpu",
    "capacity",
    "architecture",
    "quota",
    "limitRange",
    "podSecurity",
    "ingressClass",
]
"""What the stack's cluster is asked before a release is created or changed (ops/preflight_checks)."""


class PreflightSettings(Model):
    """Which of the checks of the cluster are left out."""

    off: dict[CheckName, Annotated[str, StringConstraints(pattern=r"\S")]] = setting(
        {},
        "checks of the cluster that are switched off, by name, each with the reason",
        f"{', '.join(get_args(CheckName)[:-1])} and {get_args(CheckName)[-1]}, each with a reason as text",
    )


class StackSettings(Model):
    """The keys of a stack file, without the project's name in front."""

    charts: str = setting(
        charts.UPSTREAM,
        "where charts come from",
        "upstream, an http(s):// or oci:// address, or a directory of chart packages or unpacked charts",
    )
    protect: bool = setting(False, "refuse to delete namespaces, releases and generated keys", "true or false")
    preflight: PreflightSettings = setting(PreflightSettings(), "checks of the cluster", "the keys of preflight")
    ollama: OllamaSettings = setting(REQUIRED, "Ollama", "the keys of ollama")
    librechat: LibreChatSettings = setting(REQUIRED, "LibreChat", "the keys of librechat")


@dataclass(frozen=True)
class Setting:
    """One key of a stack file, as README and errors show it."""

    description: str
    allowed: str
    default: Any
    """`REQUIRED` where there is none."""
    has_parts: bool
    """Whether it is a map or list of further settings, which have entries of their own."""


def all_settings(model: type[BaseModel] = StackSettings, prefix: str = "") -> dict[str, Setting]:
    """Every setting by its dotted key, such as `ollama.gpu.count`, in the order in which they are declared."""
    found: dict[str, Setting] = {}
    for name, field in model.model_fields.items():
        key = prefix + (field.alias or name)
        inner = _model_in(field.annotation)
        extra = field.json_schema_extra
        allowed = str(extra["allowed"]) if isinstance(extra, dict) else ""
        default = REQUIRED if field.is_required() else field.default
        found[key] = Setting(field.description or "", allowed, default, has_parts=inner is not None)
        if inner is not None:
            found |= all_settings(inner, f"{key}.")
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation names, itself or inside `Secret[...]` or `tuple[..., ...]`."""
    generic = getattr(annotation, "__pydantic_generic_metadata__", {"args": ()})
    for candidate in (annotation, *get_args(annotation), *generic["args"]):
        if isinstance(candidate, type) and issubclass(candidate, Model):
            return candidate
    return None
