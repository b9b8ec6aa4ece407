"""LibreChat: the chat, its MongoDB and its Meilisearch, talking to Ollama."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pulumi

from components.charts import LIBRECHAT
from components.helm_app import HelmApp, HelmAppArgs, SecretData, checksum
from components.keys import SALT, make_keys
from components.ollama import Ollama, resources_values
from components.platform import Platform
from components.settings import LibreChatSettings
from components.values import Values, dump, merge

PORT = 3080
MONGODB_USER = "librechat"
MONGODB_DATABASE = "LibreChat"
ENDPOINT = "Ollama"
"""Name of the endpoint in librechat.yaml, which values/app/librechat.yaml configures."""


@dataclass(frozen=True)
class LibreChatArgs:
    """What LibreChat is made from."""

    platform: Platform
    settings: LibreChatSettings
    ollama: Ollama


class LibreChat(pulumi.ComponentResource):
    """The chat. Each part gets a Secret that holds only its own keys, and restarts when that Secret changes."""

    url: str
    """Where a browser finds it."""
    port_forward: str
    """The command that makes it reachable without an ingress controller, at http://localhost:3080."""
    app: HelmApp

    def __init__(self, name: str, args: LibreChatArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("chat:components:LibreChat", name, None, opts)
        settings = args.settings
        after = opts.depends_on if opts else None
        keys = make_keys(
            name,
            settings.keys.get_secret_value().model_dump(by_alias=True),
            pulumi.ResourceOptions(parent=self, depends_on=after, protect=args.platform.protect),
        )
        secrets = librechat_secrets(
            name,
            keys,
            {key: pulumi.Output.secret(text.get_secret_value()) for key, text in settings.secret_env.items()},
        )
        checksums = {secret_name: checksum(keys[SALT], data) for secret_name, data in secrets.items()}
        config = librechat_config(args.platform.app_file(name), settings, args.ollama.url, args.ollama.models)
        self.app = HelmApp(
            name,
            HelmAppArgs(
                platform=args.platform,
                chart=dataclasses.replace(LIBRECHAT, version=settings.chart.version),
                namespace=settings.namespace,
                timeout=settings.chart.timeout,
                values=librechat_values(name, args.platform.values(name), settings, config, checksums),
                secrets=secrets,
                labels=settings.labels,
                override=settings.values,
            ),
            pulumi.ResourceOptions(parent=self, depends_on=after),
        )
        self.url = settings.url
        self.port_forward = (
            f"kubectl --context {args.platform.context} --namespace {settings.namespace} "
            f"port-forward service/{name} {PORT}:{PORT}"
        )
        self.register_outputs({"url": self.url, "namespace": self.app.namespace})


def secret_names(name: str) -> tuple[str, str, str]:
    """Names of the three Secrets: of the app, of MongoDB, of Meilisearch."""
    return f"{name}-credentials", f"{name}-mongodb-credentials", f"{name}-meilisearch-credentials"


def librechat_secrets(
    name: str, keys: Mapping[str, pulumi.Output[str]], secret_env: SecretData
) -> dict[str, SecretData]:
    """What each of the three Secrets holds; every value is a secret Output."""
    app, mongodb, meilisearch = secret_names(name)
    # The chart's own MONGO_URI has no credentials; this one wins over it (2026-11, facts.md).
    mongo_uri = keys["MONGODB_PASSWORD"].apply(
        lambda password: f"mongodb://{MONGODB_USER}:{quote(password, safe='')}@{name}-mongodb:27017/{MONGODB_DATABASE}"
    )
    return {
        app: {
            "JWT_SECRET": keys["JWT_SECRET"],
            "JWT_REFRESH_SECRET": keys["JWT_REFRESH_SECRET"],
            "CREDS_KEY": keys["CREDS_KEY"],
            "CREDS_IV": keys["CREDS_IV"],
            "MEILI_MASTER_KEY": keys["MEILI_MASTER_KEY"],
            "MONGO_URI": mongo_uri,
            **secret_env,
        },
        mongodb: {
            "mongodb-root-password": keys["MONGODB_ROOT_PASSWORD"],
            "mongodb-passwords": keys["MONGODB_PASSWORD"],
        },
        meilisearch: {"MEILI_MASTER_KEY": keys["MEILI_MASTER_KEY"]},
    }


def librechat_config(files: Values, settings: LibreChatSettings, ollama_url: str, models: tuple[str, ...]) -> Values:
    """librechat.yaml: the file in values/app, with Ollama's address and exactly the pulled models, the default first.

    LibreChat opens a new conversation with the first model of the list.
    """
    others = [model for model in models if model != settings.default_model]
    endpoint: Values = {
        "name": ENDPOINT,
        "baseURL": f"{ollama_url}/v1",
        "models": {"default": [settings.default_model, *others], "fetch": False},
        "titleModel": settings.default_model,
    }
    endpoints = files.get("endpoints") or {}
    written = (endpoints.get("custom") or []) if isinstance(endpoints, dict) else None
    if not isinstance(written, list) or not all(isinstance(item, dict) for item in written):
        return files  # LibreChat exits on such a shape, which components/rules.py reports
    custom = [merge(item, endpoint) if item.get("name") == ENDPOINT else item for item in written]
    if not any(item.get("name") == ENDPOINT for item in written):
        # Ollama ignores the key, but LibreChat exits without one.
        custom.append(endpoint | {"apiKey": "ollama"})
    return merge(files, {"endpoints": {"custom": custom}})


def librechat_values(
    name: str,
    files: Values,
    settings: LibreChatSettings,
    config: Values,
    checksums: Mapping[str, pulumi.Input[str]],
) -> Values:
    """Helm values of the LibreChat chart: the values files, the settings over them, `librechat.values` last.

    `checksums` are those of the Secrets, by Secret name: each goes to the pods that read that Secret.
    """
    app, mongodb, meilisearch = secret_names(name)
    storage = settings.storage
    computed: Values = {
        "fullnameOverride": name,
        "global": {"librechat": {"existingSecretName": app}},
        "librechat": {
            "configEnv": librechat_env(name, settings),
            "configYamlContent": dump(config),
            "imageVolume": {"size": storage.images},
        },
        "podAnnotations": {"checksum/credentials": checksums[app]},
        "ingress": _ingress(settings),
        "mongodb": {
            "auth": {"existingSecret": mongodb, "usernames": [MONGODB_USER], "databases": [MONGODB_DATABASE]},
            "podAnnotations": {"checksum/credentials": checksums[mongodb]},
            "persistence": {"size": storage.mongodb},
        },
        "meilisearch": {
            "auth": {"existingMasterKeySecret": meilisearch},
            "podAnnotations": {"checksum/credentials": checksums[meilisearch]},
            "persistence": {"size": storage.meilisearch},
        },
    }
    if storage.class_:
        computed["librechat"]["imageVolume"]["storageClassName"] = storage.class_
        computed["mongodb"]["persistence"]["storageClass"] = storage.class_
        computed["meilisearch"]["persistence"]["storageClass"] = storage.class_
    computed |= resources_values(settings.resources)
    return merge(files, computed, settings.values)


def librechat_env(name: str, settings: LibreChatSettings) -> dict[str, str]:
    """The plain environment of LibreChat; the chart renders it as it stands, so every value is text."""
    env = {
        "APP_TITLE": settings.title,
        "DOMAIN_CLIENT": settings.url,
        "DOMAIN_SERVER": settings.url,
        "ALLOW_REGISTRATION": str(settings.registration).lower(),
        "SEARCH": "true",
        "MEILI_HOST": f"http://{name}-meilisearch:7700",
    }
    if settings.tls_secret is None and settings.host != "localhost":
        # LibreChat marks its cookies Secure, which logs users out over plain HTTP (2026-11, facts.md).
        env["SESSION_COOKIE_SECURE"] = "false"
    return env | settings.env


def _ingress(settings: LibreChatSettings) -> dict[str, Any]:
    """The only way in from outside the cluster; none on localhost, where `kubectl port-forward` leads in."""
    if settings.host == "localhost":
        return {"enabled": False}
    ingress: dict[str, Any] = {
        "enabled": True,
        "hosts": [{"host": settings.host, "paths": [{"path": "/", "pathType": "Prefix"}]}],
    }
    if settings.ingress_class:
        ingress["className"] = settings.ingress_class
    if settings.tls_secret:
        ingress["tls"] = [{"secretName": settings.tls_secret, "hosts": [settings.host]}]
    return ingress
