"""Faults that show only when two settings are seen together.

They look at the raw config, so that they are reported beside the faults of single keys and not one run later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from components.faults import Fault
from components.formats import KEY_LENGTHS


def cross_checks(raw: Mapping[str, Any]) -> list[Fault]:
    """Every fault between settings; silent where a part has the wrong shape, which its own fault reports."""
    checks: tuple[Callable[[Mapping[str, Any]], Iterator[Fault]], ...] = (
        _default_model_is_pulled,
        _models_stand_once,
        _gpu_selector_has_a_gpu,
        _namespaces_differ,
        _localhost_has_no_tls,
        _env_names_stand_once,
        _jwt_secrets_differ,
    )
    return [fault for check in checks for fault in check(raw)]


def _dig(raw: Mapping[str, Any], *path: str) -> Any:
    value: Any = raw
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _default_model_is_pulled(raw: Mapping[str, Any]) -> Iterator[Fault]:
    model, models = _dig(raw, "librechat", "defaultModel"), _dig(raw, "ollama", "models")
    if isinstance(model, str) and isinstance(models, list) and models and model not in models:
        pulled = ", ".join(str(name) for name in models)
        yield Fault(
            "librechat.defaultModel",
            f'found "{model}", which is not pulled; allowed: {pulled}. Choose one, or add it to ollama.models',
        )


def _models_stand_once(raw: Mapping[str, Any]) -> Iterator[Fault]:
    models = _dig(raw, "ollama", "models")
    if isinstance(models, list):
        for name in sorted({str(model) for model in models if models.count(model) > 1}):
            yield Fault("ollama.models", f'found "{name}" more than once; allowed: each model once')


def _gpu_selector_has_a_gpu(raw: Mapping[str, Any]) -> Iterator[Fault]:
    count = _dig(raw, "ollama", "gpu", "count") or 0
    selector = _dig(raw, "ollama", "nodeSelector")
    asked = [key for key in selector if "gpu" in key or "accelerator" in key] if isinstance(selector, dict) else []
    if count == 0 and asked:
        yield Fault(
            "ollama.gpu.count",
            f"found 0, but ollama.nodeSelector asks for GPU nodes ({', '.join(asked)}); allowed: 1 or more. "
            "Set ollama.gpu.count, or drop the node selector",
        )
    if count == 0 and _dig(raw, "ollama", "gpu", "runtimeClass"):
        yield Fault(
            "ollama.gpu.count",
            "found 0, but ollama.gpu.runtimeClass is set; allowed: 1 or more. "
            "Set ollama.gpu.count, or drop the runtime class",
        )


def _namespaces_differ(raw: Mapping[str, Any]) -> Iterator[Fault]:
    ollama = _dig(raw, "ollama", "namespace") or "ollama"
    if (_dig(raw, "librechat", "namespace") or "librechat") == ollama:
        yield Fault(
            "librechat.namespace",
            f'found "{ollama}", the namespace of Ollama; allowed: another one, since each app owns its namespace',
        )


def _localhost_has_no_tls(raw: Mapping[str, Any]) -> Iterator[Fault]:
    if _dig(raw, "librechat", "host") == "localhost" and _dig(raw, "librechat", "tlsSecret"):
        yield Fault(
            "librechat.tlsSecret",
            "is set, but localhost has no Ingress that could use it; allowed: nothing with host localhost. "
            "Drop it, or set librechat.host to the DNS name of the chat",
        )


def _env_names_stand_once(raw: Mapping[str, Any]) -> Iterator[Fault]:
    env = _dig(raw, "librechat", "env")
    secret_env = _dig(raw, "librechat", "secretEnv")
    plain = set(env) if isinstance(env, dict) else set()
    secret = set(secret_env) if isinstance(secret_env, dict) else set()
    for name in sorted(plain & secret):
        yield Fault(f"librechat.env.{name}", "is also in librechat.secretEnv; allowed: one of them")
    for section, names in (("env", plain), ("secretEnv", secret)):
        for name in sorted(names & {*KEY_LENGTHS, "MONGO_URI"}):
            yield Fault(
                f"librechat.{section}.{name}",
                "is a key that this program makes; allowed: to bring it along, set it encrypted in librechat.keys"
                if name in KEY_LENGTHS
                else "is made from librechat.keys.MONGODB_PASSWORD; allowed: nothing here",
            )


def _jwt_secrets_differ(raw: Mapping[str, Any]) -> Iterator[Fault]:
    access = _dig(raw, "librechat", "keys", "JWT_SECRET")
    if access and access == _dig(raw, "librechat", "keys", "JWT_REFRESH_SECRET"):
        yield Fault("librechat.keys.JWT_REFRESH_SECRET", "equals JWT_SECRET; allowed: 64 other hex characters")
