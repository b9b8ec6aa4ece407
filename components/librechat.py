"""LibreChat: the chat, its MongoDB and its Meilisearch, talking to Ollama."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import pulumi

from components import ports
from components.charts import LIBRECHAT
from components.database_password import MONGODB_DATABASE, MONGODB_USER, PASSWORD, ROOT_PASSWORD, password_hooks
from components.existing import env_of_secrets, existing_secrets, own_keys, own_variables
from components.guardrails.apps import around_librechat
from components.helm_app import HelmApp, HelmAppArgs, SecretData, checksum
from components.ingress import ingress_values
from components.keys import SALT, make_keys
from components.ollama import resources_values
from components.ownership import marks_of
from components.platform import Platform
from components.replicas import (
    MONGODB_KEY,
    REDIS_KEY,
    REDIS_PASSWORD,
    REPLICA_SET_KEY,
    Shared,
    make_shared_keys,
    redis_uri,
    redis_values,
)
from components.settings import LibreChatSettings
from components.values import Values, dig, dump, merge

NOT_SHARED = Shared()
"""One pod of each part."""
ENDPOINT = "Ollama"
"""Name of the endpoint in librechat.yaml, which values/app/librechat.yaml configures."""


@dataclass(frozen=True)
class LibreChatArgs:
    """What LibreChat is made from."""

    platform: Platform
    settings: LibreChatSettings


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
        kept = pulumi.ResourceOptions(parent=self, depends_on=after, protect=args.platform.protect)
        shared = shared_of(args.platform.values(name), settings)
        keys = make_keys(
            name,
            own_keys(settings),
            settings.keys.get_secret_value().model_dump(by_alias=True),
            {str(key): number for key, number in settings.rotation.items()},
            kept,
        )
        made = {**keys, **make_shared_keys(name, shared, kept)}
        secrets = librechat_secrets(name, made, settings, shared)
        checksums = {secret_name: checksum(keys[SALT], data) for secret_name, data in secrets.items()}
        served = args.platform.models_for(LIBRECHAT.name)
        config = librechat_config(args.platform.app_file(name), settings, served.url, served.models)
        values = librechat_values(name, args.platform.values(name), settings, config, checksums)
        self.app = HelmApp(
            name,
            HelmAppArgs(
                platform=args.platform,
                chart=dataclasses.replace(LIBRECHAT, version=settings.chart.version),
                namespace=settings.namespace,
                timeout=settings.chart.timeout,
                values=values,
                secrets=secrets,
                secret_hooks=_hooks(name, args.platform, settings),
                existing_secrets=existing_secrets(settings),
                labels=settings.labels,
                guardrails=around_librechat(args.platform, settings, values),
                override=settings.values,
            ),
            pulumi.ResourceOptions(parent=self, depends_on=after),
        )
        self.url = settings.url
        self.port_forward = (
            f"kubectl --context {args.platform.context} --namespace {settings.namespace} "
            f"port-forward service/{name} {ports.LIBRECHAT}:{ports.LIBRECHAT}"
        )
        self.register_outputs({"url": self.url, "namespace": self.app.namespace})


def secret_names(name: str) -> tuple[str, str, str]:
    """Names of the three Secrets: of the app, of MongoDB, of Meilisearch."""
    return f"{name}-credentials", f"{name}-mongodb-credentials", f"{name}-meilisearch-credentials"


def shared_of(files: Values, settings: LibreChatSettings) -> Shared:
    """What LibreChat's pods share, by the values files and the stack file."""
    elsewhere: Values = {"mongodb": {"enabled": False}} if settings.mongodb else {}
    return Shared.of(merge(files, settings.values, elsewhere))


def secret_keys(name: str, settings: LibreChatSettings, shared: Shared = NOT_SHARED) -> dict[str, frozenset[str]]:
    """Which keys each Secret that the program makes holds; librechat_secrets() fills them."""
    app, mongodb, meilisearch = secret_names(name)
    keys: dict[str, list[str]] = {
        app: own_variables(settings, shared.variables),
        mongodb: [] if settings.mongodb else [ROOT_PASSWORD, PASSWORD, *([MONGODB_KEY] if shared.members else [])],
        meilisearch: [] if settings.meilisearch else ["MEILI_MASTER_KEY"],
        **{secret: [REDIS_KEY] for secret in shared.secret_names(name)},
    }
    return {secret: frozenset(held) for secret, held in keys.items() if held}


def librechat_secrets(
    name: str, keys: Mapping[str, pulumi.Output[str]], settings: LibreChatSettings, shared: Shared = NOT_SHARED
) -> dict[str, SecretData]:
    """What each Secret that the program makes holds; every value is a secret Output."""
    known = {key: value for key, value in keys.items() if key != SALT}
    known |= {key: pulumi.Output.secret(text.get_secret_value()) for key, text in settings.secret_env.items()}
    if settings.mongodb is None:
        hosts, options = shared.mongodb(name)
        # The chart's own MONGO_URI has no credentials; this one wins over it (2026-11, facts.md).
        known["MONGO_URI"] = keys["MONGODB_PASSWORD"].apply(
            lambda password: f"mongodb://{MONGODB_USER}:{quote(password, safe='')}@{hosts}/{MONGODB_DATABASE}{options}"
        )
        known |= {ROOT_PASSWORD: keys["MONGODB_ROOT_PASSWORD"], PASSWORD: keys["MONGODB_PASSWORD"]}
        if shared.members:
            known[MONGODB_KEY] = keys[REPLICA_SET_KEY]
    elif settings.mongodb.uri:
        known["MONGO_URI"] = pulumi.Output.secret(settings.mongodb.uri.get_secret_value())
    if settings.meilisearch and settings.meilisearch.key:
        known["MEILI_MASTER_KEY"] = pulumi.Output.secret(settings.meilisearch.key.get_secret_value())
    if shared.redis:
        known |= {"REDIS_URI": redis_uri(name, keys), REDIS_KEY: keys[REDIS_PASSWORD]}
    held_by = secret_keys(name, settings, shared)
    return {secret: {key: known[key] for key in sorted(held)} for secret, held in held_by.items()}


def _hooks(name: str, platform: Platform, settings: LibreChatSettings) -> dict[str, pulumi.ResourceHookBinding]:
    """What runs around changes of Secrets: of a database that is not ours, nobody here changes passwords."""
    if settings.mongodb:
        return {}
    marks = marks_of(platform, settings.labels)
    return {secret_names(name)[1]: password_hooks(name, platform.context, settings.namespace, marks)}


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
    storage, shared = settings.storage, shared_of(files, settings)
    existing = settings.credentials.secret if settings.credentials else app
    computed: Values = {
        "fullnameOverride": name,
        "global": {"librechat": {"existingSecretName": existing}},
        "librechat": {
            "configEnv": librechat_env(name, settings),
            "configYamlContent": dump(config),
            "imageVolume": {"size": storage.images},
        },
        "ingress": ingress_values(name, settings),
        # It never talks to the Kubernetes API (guardrails/accounts.py).
        "serviceAccount": {"automount": False},
        "mongodb": {
            "auth": {"existingSecret": mongodb, "usernames": [MONGODB_USER], "databases": [MONGODB_DATABASE]},
            "podAnnotations": {"checksum/credentials": checksums.get(mongodb, "")},
            "persistence": {"size": storage.mongodb},
        },
        "meilisearch": {
            "auth": {"existingMasterKeySecret": meilisearch},
            "podAnnotations": {"checksum/credentials": checksums.get(meilisearch, "")},
            "persistence": {"size": storage.meilisearch},
        },
    }
    if app in secret_keys(name, settings, shared):
        computed["podAnnotations"] = {"checksum/credentials": checksums[app]}
    if storage.class_:
        computed["librechat"]["imageVolume"]["storageClassName"] = storage.class_
        computed["mongodb"]["persistence"]["storageClass"] = storage.class_
        computed["meilisearch"]["persistence"]["storageClass"] = storage.class_
    if shared.redis:
        computed["redis"] = redis_values(name, checksums)
    computed |= {part: {"enabled": False} for part in ("mongodb", "meilisearch") if getattr(settings, part)}
    if env := env_of_secrets(settings, app, shared.variables):
        named = {entry["name"] for entry in env}
        written = dig(files, "global", "librechat", "env") or []
        computed["global"]["librechat"]["env"] = [*(item for item in written if item.get("name") not in named), *env]
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
        "MEILI_HOST": settings.meilisearch.host
        if settings.meilisearch
        else f"http://{name}-meilisearch:{ports.MEILISEARCH}",
    }
    if not settings.serves_tls and settings.host != "localhost":
        # LibreChat marks its cookies Secure, which logs users out over plain HTTP (2026-11, facts.md).
        env["SESSION_COOKIE_SECURE"] = "false"
    return env | settings.env
