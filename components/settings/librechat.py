"""What a stack says of LibreChat."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import Field, Secret

from components import charts, ports
from components.formats import DnsLabel, DnsName, EnvName, Host, LabelKey, LabelValue, ModelName, SemVer, StorageSize
from components.settings.base import REQUIRED, Model, Resources, app_labels, app_namespace, app_values, setting
from components.settings.existing import ExistingCredentials, ExistingMeilisearch, ExistingMongodb
from components.settings.guardrails import (
    Egress,
    PodSecurityLevel,
    QuotaEntries,
    app_egress,
    app_pod_security,
    app_quota,
)
from components.settings.ingress import IngressSettings
from components.settings.keys import KeyName, SuppliedKeys


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


class LibreChatChart(Model):
    """Which LibreChat chart, and how long it may take."""

    version: SemVer = setting(charts.LIBRECHAT.version, "version of the LibreChat chart", "a version such as 2.0.7")
    # Three images and three volumes, on a cold node; MongoDB initialises its data directory first.
    timeout: Annotated[int, Field(ge=1)] = setting(
        900, "seconds until a release that isn't ready is rolled back", "a whole number of seconds"
    )


class LibreChatSettings(Model):
    """Everything that a stack says of LibreChat."""

    namespace: DnsLabel = app_namespace("librechat")
    labels: dict[LabelKey, LabelValue] = app_labels()
    host: Host = setting(
        REQUIRED,
        "DNS name of the chat; localhost means no Ingress, use kubectl port-forward",
        "a DNS name or localhost",
    )
    tls_secret: DnsName | None = setting(
        None, "TLS Secret of the Ingress that somebody else makes", "the name of a Secret in the namespace"
    )
    cert_issuer: DnsName | None = setting(
        None, "or the Issuer by which cert-manager makes it", "the name of an Issuer in the namespace"
    )
    cert_cluster_issuer: DnsName | None = setting(
        None, "or the ClusterIssuer by which cert-manager makes it", "the name of a ClusterIssuer"
    )
    allow_plain_http: bool = setting(
        False, "whether the chat may be served without TLS: passwords and conversations in the open", "true or false"
    )
    ingress_class: DnsName | None = setting(
        None, "IngressClass; absent means the cluster's default", "the name of an IngressClass"
    )
    ingress: IngressSettings = setting(IngressSettings(), "uploads and streams", "bodySize, timeout and annotations")
    title: Annotated[str, Field(min_length=1)] = setting("Private ChatGPT", "title of the chat", "any text")
    registration: bool = setting(False, "whether anybody who reaches the page may sign up", "true or false")
    default_model: ModelName = setting(
        REQUIRED, "model of a new conversation", "one of ollama.models, or of the shared Ollama's"
    )
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
    credentials: ExistingCredentials | None = setting(
        None, "a Secret in place of LibreChat's own keys", "secret and secretKeys"
    )
    mongodb: ExistingMongodb | None = setting(
        None, "a MongoDB in place of the chart's", "uri or secret, secretKey and at"
    )
    meilisearch: ExistingMeilisearch | None = setting(
        None, "a Meilisearch in place of the chart's", "host, key or secret, secretKey and at"
    )
    rotation: dict[KeyName, Annotated[int, Field(ge=1)]] = setting(
        {},
        "how often a generated key was replaced; `make rotate` counts it up",
        f"{', '.join(get_args(KeyName)[:-1])} and {get_args(KeyName)[-1]}, each with a whole number, 1 or more",
    )
    pod_security: PodSecurityLevel = app_pod_security()
    egress: tuple[Egress, ...] = app_egress()
    quota: QuotaEntries = app_quota()
    chart: LibreChatChart = setting(LibreChatChart(), "chart", "version and timeout")
    values: dict[str, Any] = app_values()

    @property
    def url(self) -> str:
        """Where a browser finds the chat; on localhost through `kubectl port-forward`."""
        if self.host == "localhost":
            return f"http://localhost:{ports.LIBRECHAT}"
        return f"{'https' if self.serves_tls else 'http'}://{self.host}"

    @property
    def serves_tls(self) -> bool:
        """Whether the Ingress has a certificate, somebody's or one by cert-manager."""
        return bool(self.tls_secret or self.cert_issuer or self.cert_cluster_issuer)
