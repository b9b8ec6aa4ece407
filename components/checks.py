"""Faults that show only when two settings are seen together.

They look at the raw config, so that they are reported beside the faults of single keys and not one run later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from components.checks_existing import existing_checks
from components.faults import Fault
from components.formats import KEY_LENGTHS
from components.guardrails.objects import POD_SECURITY
from components.parts import part_faults
from components.values import dig


def cross_checks(raw: Mapping[str, Any]) -> list[Fault]:
    """Every fault between settings; silent where a part has the wrong shape, which its own fault reports."""
    checks: tuple[Callable[[Mapping[str, Any]], Iterator[Fault]], ...] = (
        part_faults,
        _default_model_is_pulled,
        _models_stand_once,
        _gpu_selector_has_a_gpu,
        _namespaces_differ,
        _priority_has_a_name,
        _labels_leave_the_guardrails,
        _env_names_stand_once,
        _jwt_secrets_differ,
        _rotated_keys_are_generated,
        existing_checks,
    )
    return [fault for check in checks for fault in check(raw)]


def _default_model_is_pulled(raw: Mapping[str, Any]) -> Iterator[Fault]:
    model, models = dig(raw, "librechat", "defaultModel"), dig(raw, "ollama", "models")
    if isinstance(model, str) and isinstance(models, list) and models and model not in models:
        pulled = ", ".join(str(name) for name in models)
        yield Fault(
            "librechat.defaultModel",
            f'found "{model}", which is not pulled; allowed: {pulled}. Choose one, or add it to ollama.models',
        )


def _models_stand_once(raw: Mapping[str, Any]) -> Iterator[Fault]:
    for part in ("ollama", "sharedOllama"):
        models = dig(raw, part, "models")
        if isinstance(models, list):
            for name in sorted({str(model) for model in models if models.count(model) > 1}):
                yield Fault(f"{part}.models", f'found "{name}" more than once; allowed: each model once')


def _gpu_selector_has_a_gpu(raw: Mapping[str, Any]) -> Iterator[Fault]:
    count = dig(raw, "ollama", "gpu", "count") or 0
    selector = dig(raw, "ollama", "nodeSelector")
    asked = [key for key in selector if "gpu" in key or "accelerator" in key] if isinstance(selector, dict) else []
    if count == 0 and asked:
        yield Fault(
            "ollama.gpu.count",
            f"found 0, but ollama.nodeSelector asks for GPU nodes ({', '.join(asked)}); allowed: 1 or more. "
            "Set ollama.gpu.count, or drop the node selector",
        )
    if count == 0 and dig(raw, "ollama", "gpu", "runtimeClass"):
        yield Fault(
            "ollama.gpu.count",
            "found 0, but ollama.gpu.runtimeClass is set; allowed: 1 or more. "
            "Set ollama.gpu.count, or drop the runtime class",
        )


def _namespaces_differ(raw: Mapping[str, Any]) -> Iterator[Fault]:
    ollama = dig(raw, "ollama", "namespace") or "ollama"
    both = "ollama" in raw and "librechat" in raw
    if both and (dig(raw, "librechat", "namespace") or "librechat") == ollama:
        yield Fault(
            "librechat.namespace",
            f'found "{ollama}", the namespace of Ollama; allowed: another one, since each app owns its namespace',
        )


def _priority_has_a_name(raw: Mapping[str, Any]) -> Iterator[Fault]:
    namespace = dig(raw, "ollama", "namespace")
    if dig(raw, "ollama", "priority") is not None and str(namespace).startswith("system-"):
        yield Fault(
            "ollama.priority",
            f'is set in the namespace "{namespace}", whose name its PriorityClass begins with, and Kubernetes keeps '
            "names with system- for its own classes; allowed: no priority, or another team or ollama.namespace",
        )


def _labels_leave_the_guardrails(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """A label of its own would win over the namespace's level, or over the name by which network rules know it."""
    for app in ("ollama", "librechat"):
        labels = dig(raw, app, "labels")
        for label in sorted(map(str, labels)) if isinstance(labels, dict) else ():
            if label.startswith(POD_SECURITY):
                yield Fault(
                    f"{app}.labels.{label}",
                    f"is a label that {app}.podSecurity decides; allowed: other labels. Drop it, and set "
                    f"{app}.podSecurity to restricted, baseline or privileged",
                )
            if label == "kubernetes.io/metadata.name":
                yield Fault(
                    f"{app}.labels.{label}",
                    "is a label that Kubernetes gives to every namespace, and the network rules know it by that; "
                    f"allowed: other labels. Drop it; the name is set by {app}.namespace",
                )


def _env_names_stand_once(raw: Mapping[str, Any]) -> Iterator[Fault]:
    env = dig(raw, "librechat", "env")
    secret_env = dig(raw, "librechat", "secretEnv")
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
                else "is made from librechat.keys.MONGODB_PASSWORD; allowed: nothing here. A database of your own "
                "goes into librechat.mongodb",
            )


def _jwt_secrets_differ(raw: Mapping[str, Any]) -> Iterator[Fault]:
    access = dig(raw, "librechat", "keys", "JWT_SECRET")
    if access and access == dig(raw, "librechat", "keys", "JWT_REFRESH_SECRET"):
        yield Fault("librechat.keys.JWT_REFRESH_SECRET", "equals JWT_SECRET; allowed: 64 other hex characters")


def _rotated_keys_are_generated(raw: Mapping[str, Any]) -> Iterator[Fault]:
    keys, rotation = dig(raw, "librechat", "keys"), dig(raw, "librechat", "rotation")
    both = set(keys) & set(rotation) if isinstance(keys, dict) and isinstance(rotation, dict) else set()
    for name in sorted(map(str, both)):
        yield Fault(
            f"librechat.rotation.{name}",
            f"is set, but librechat.keys.{name} brings the key along; allowed: one of them. Drop it: a key that was "
            "brought along changes by pulumi config set --secret --path",
        )
