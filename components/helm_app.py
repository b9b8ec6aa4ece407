"""One app: a namespace, its Secrets, and one Helm release in it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_kubernetes.core.v1 import Namespace, Secret
from pulumi_kubernetes.helm.v3 import Release, RepositoryOptsArgs
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.charts import LIBRECHAT, OLLAMA, Chart
from components.faults import Fault, SettingsError
from components.platform import Platform
from components.release_hooks import Plan, release_hooks
from components.values import Values, dump, only_nulls

SecretData = Mapping[str, pulumi.Input[str]]

MAX_HISTORY = 10
"""Revisions that helm keeps: enough to go back several upgrades, few enough that its Secrets stay small."""


@dataclass(frozen=True)
class HelmAppArgs:
    """What an app is made of."""

    platform: Platform
    chart: Chart
    namespace: str
    timeout: int = 600
    """Seconds until a release that isn't ready is rolled back."""
    values: Values | None = None
    """Handed to the chart as they are; absent means those of values/<name>.yaml and its overlay."""
    secrets: Mapping[str, SecretData] = field(default_factory=dict)
    """Secrets by name, made before the release."""
    labels: Mapping[str, str] = field(default_factory=dict)
    override: Values = field(default_factory=dict)
    """The stack file's part of `values`, for errors to name it."""


class HelmApp(pulumi.ComponentResource):
    """A namespace that the stack owns, the Secrets that a chart refers to by name, and the release."""

    namespace: pulumi.Output[str]
    chart_version: pulumi.Output[str]
    status: pulumi.Output[str]
    """Helm's word on the release, `deployed` when all is well; unknown in a preview that changes it."""

    def __init__(self, name: str, args: HelmAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("chat:components:HelmApp", name, None, opts)
        location = args.platform.locate(args.chart)
        values = args.values if args.values is not None else args.platform.values(name)
        _check(name, args, values)
        nulls = only_nulls(values)
        labels = owner_labels(args.platform, args.labels)
        # The SDK doesn't hand a component's dependencies down to its children (pulumi 3.272, prepare_resource).
        child = pulumi.ResourceOptions(parent=self, depends_on=opts.depends_on if opts else None)
        # Deleting the namespace deletes every claim in it, and the release may own claims that no policy keeps.
        guarded = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(protect=args.platform.protect))

        namespace = Namespace(name, metadata=ObjectMetaArgs(name=args.namespace, labels=labels), opts=guarded)
        self.namespace = namespace.metadata.apply(lambda metadata: str(metadata.name))
        secrets = [
            Secret(
                secret_name,
                metadata=ObjectMetaArgs(name=secret_name, namespace=self.namespace, labels=labels),
                string_data=pulumi.Output.secret(dict(data)),
                opts=child,
            )
            for secret_name, data in args.secrets.items()
        ]
        hooks = release_hooks(
            Plan(
                platform=args.platform,
                name=name,
                namespace=args.namespace,
                chart=args.chart,
                location=location,
                nulls=nulls,
                override=args.override,
                labels=labels,
                secrets=tuple(args.secrets),
            )
        )
        release = Release(
            name,
            # A fixed name: the charts derive object names, and so in-cluster addresses, from it.
            name=name,
            namespace=self.namespace,
            chart=location.chart,
            repository_opts=RepositoryOptsArgs(repo=location.repository) if location.repository else None,
            # Exact, so that the same commit deploys the same objects in a year.
            version=args.chart.version,
            values=values,
            # A null is how values remove a chart's default. In `values` it gets lost on the way to helm, so it travels
            # in a file, which the provider heeds since 4.30 (2026-04, pulumi-kubernetes #4306).
            value_yaml_files=[pulumi.StringAsset(dump(nulls))] if nulls else None,
            allow_null_values=True,
            # The default of 300 s is less than a model pull or a first database start takes.
            timeout=args.timeout,
            # A failed upgrade goes back to the last good revision instead of staying half done.
            atomic=True,
            # Objects that only the failed revision made would otherwise stay behind.
            cleanup_on_fail=True,
            max_history=MAX_HISTORY,
            # Helm must not make the namespace: the stack owns it, with its labels.
            create_namespace=False,
            opts=pulumi.ResourceOptions.merge(guarded, pulumi.ResourceOptions(depends_on=secrets, hooks=hooks)),
        )
        self.chart_version = release.version.apply(str)
        self.status = release.status.apply(lambda status: str(status.status))
        self.register_outputs({"namespace": self.namespace, "chart_version": self.chart_version, "status": self.status})


def _check(name: str, args: HelmAppArgs, values: Values) -> None:
    """Raises SettingsError where the chart would ignore a value, or nobody checked the app before anything else."""
    platform = args.platform
    if name not in (OLLAMA.name, LIBRECHAT.name) and platform.further.get(name) != args.chart:
        text = (
            f"HelmApp {name}: Settings.load has to know its chart, so that its values are checked before anything is "
            f'registered. In __main__.py: Settings.load(pulumi.Config(), {{"{name}": <its Chart>}})'
        )
        raise SettingsError(platform.stack, [Fault(None, text)])
    if faults := platform.value_faults(name, args.chart, values, args.override):
        raise SettingsError(platform.stack, faults)


def owner_labels(platform: Platform, labels: Mapping[str, str]) -> dict[str, str]:
    """Labels of what the stack owns: `labels`, and over them who manages it, of which project and stack."""
    return {
        **labels,
        "app.kubernetes.io/managed-by": "pulumi",
        "private-chatgpt/project": platform.project,
        "private-chatgpt/stack": platform.stack,
    }


def checksum(salt: pulumi.Input[str], data: SecretData) -> pulumi.Output[str]:
    """A pod annotation that changes exactly when `data` changes: 64 hex characters, not secret.

    Keyed by a secret `salt`, so that nobody who reads the annotation can try out short passwords against it.
    """

    def digest(resolved: dict[str, Any]) -> str:
        text = "".join(f"{key}\0{resolved['data'][key]}\0" for key in sorted(resolved["data"]))
        return hmac.new(resolved["salt"].encode(), text.encode(), hashlib.sha256).hexdigest()

    return pulumi.Output.unsecret(pulumi.Output.all(salt=salt, data=dict(data)).apply(digest))
