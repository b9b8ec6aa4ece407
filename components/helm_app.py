"""One app: a namespace, its Secrets, and one Helm release in it."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.charts import LIBRECHAT, OLLAMA, Chart
from components.existing import ExistingSecret
from components.faults import Fault, SettingsError
from components.guardrails.objects import PRIORITY_CLASS, QUOTA, Guardrails, objects_around, pod_security_labels
from components.guardrails.resources import register
from components.namespace_hook import namespace_hook
from components.ownership import owned, owner_labels
from components.platform import Platform
from components.release_guard import guard
from components.release_hooks import Plan, release_hooks, secrets_hooks, size_hooks
from components.values import Values, dump, only_nulls, without_outputs

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
    secret_hooks: Mapping[str, pulumi.ResourceHookBinding] = field(default_factory=dict)
    """What runs around a change of a Secret, by its name; the other Secrets wait for those that have such a hook."""
    existing_secrets: tuple[ExistingSecret, ...] = ()
    """Secrets that others make, without which the release is not begun."""
    labels: Mapping[str, str] = field(default_factory=dict)
    guardrails: Guardrails = field(default_factory=Guardrails)
    """What stands around the release in its namespace."""
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
        chart, values = _chart_and_values(name, args)
        platform, labels = args.platform, args.labels
        # A rollback runs for its release alone, and ends where that depends on what nobody has deployed yet (3.250).
        alone = platform.rolls_back(name)
        # The SDK doesn't hand a component's dependencies down to its children (pulumi 3.272, prepare_resource).
        child = pulumi.ResourceOptions(parent=self, depends_on=opts.depends_on if opts and not alone else None)
        # Deleting the namespace deletes every claim in it, and the release may own claims that no policy keeps.
        guarded = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(protect=platform.protect))

        namespace_labels = {**labels, **pod_security_labels(args.guardrails.pod_security)}
        metadata = owned(platform, args.namespace, namespace_labels)
        free = namespace_hook(name, platform, args.namespace, owner_labels(platform, namespace_labels))
        first = pulumi.ResourceOptions.merge(guarded, pulumi.ResourceOptions(hooks=free))
        namespace = k8s.core.v1.Namespace(name, metadata=metadata, opts=first)
        # A PriorityClass is of the whole cluster's: it must not be touched before the namespace is known to be ours.
        child = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[namespace]))
        self.namespace = namespace.metadata.apply(lambda metadata: str(metadata.name))
        manifests = objects_around(name, platform, args.guardrails, args.namespace, labels)
        plan = Plan(
            platform=platform,
            name=name,
            namespace=args.namespace,
            chart=chart,
            location=args.platform.locate(chart),
            nulls=only_nulls(values),
            override=args.override,
            labels=owner_labels(platform, namespace_labels),
            secrets=tuple(args.secrets),
            existing_secrets=args.existing_secrets,
            values=without_outputs(values),
            around=tuple(manifests.values()),
            namespace_labels=namespace_labels,
        )
        # A Secret or policy that no longer has what others are to bring must not change before that is there.
        beside = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(hooks=secrets_hooks(plan)))
        secrets = _secrets(args, self.namespace, beside)
        quotas = {key: item for key, item in manifests.items() if item["kind"] == QUOTA}
        others = {key: item for key, item in manifests.items() if key not in quotas}
        # Each hook costs a preview a question to the engine.
        sizing = size_hooks(plan) if args.guardrails.limits else None
        sized = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(hooks=sizing))
        around = register(others, self.namespace, beside, sized)
        classes = [made for made, item in zip(around, others.values(), strict=True) if item["kind"] == PRIORITY_CLASS]
        hooks = release_hooks(plan)
        begun = pulumi.ResourceOptions(depends_on=classes if alone else [*secrets, *around], hooks=hooks)
        release = _release(name, args, plan, values, self.namespace, pulumi.ResourceOptions.merge(guarded, begun))
        # After the release, whose hook makes room before it: while pods of an old and a new size run side by side, the
        # new quota alone may be too small for them. Protected as the release is, or `destroy` would begin with it.
        last = pulumi.ResourceOptions(depends_on=[release], protect=platform.protect)
        afterwards = pulumi.ResourceOptions.merge(child, last)
        register(quotas, self.namespace, afterwards)
        if platform.drift.guard:
            guard(name, platform, args.namespace, release)
        self.chart_version = release.version.apply(str)
        self.status = release.status.apply(lambda status: str(status.status))
        self.register_outputs({"namespace": self.namespace, "chart_version": self.chart_version, "status": self.status})


def _secrets(args: HelmAppArgs, namespace: pulumi.Output[str], opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """The Secrets that the chart refers to, those with a hook first."""
    made: list[pulumi.Resource] = []
    for name in sorted(args.secrets, key=lambda item: item not in args.secret_hooks):
        hooks = args.secret_hooks.get(name)
        # What a hook refuses must not have reached any other Secret.
        after = pulumi.ResourceOptions(hooks=hooks) if hooks else pulumi.ResourceOptions(depends_on=[*made])
        made.append(
            k8s.core.v1.Secret(
                name,
                metadata=owned(args.platform, name, args.labels, namespace),
                string_data=pulumi.Output.secret(dict(args.secrets[name])),
                opts=pulumi.ResourceOptions.merge(opts, after),
            )
        )
    return made


def _release(
    name: str,
    args: HelmAppArgs,
    plan: Plan,
    values: Values,
    namespace: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> k8s.helm.v3.Release:
    repository = plan.location.repository
    return k8s.helm.v3.Release(
        name,
        # A fixed name: the charts derive object names, and so in-cluster addresses, from it.
        name=name,
        namespace=namespace,
        chart=plan.location.chart,
        repository_opts=k8s.helm.v3.RepositoryOptsArgs(repo=repository) if repository else None,
        # Exact, so that the same commit deploys the same objects in a year.
        version=plan.chart.version,
        values=values,
        # A null is how values remove a chart's default. In `values` it gets lost on the way to helm, so it travels in a
        # file, which the provider heeds since 4.30 (2026-04, pulumi-kubernetes #4306).
        value_yaml_files=[pulumi.StringAsset(dump(plan.nulls))] if plan.nulls else None,
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
        opts=opts,
    )


def _chart_and_values(name: str, args: HelmAppArgs) -> tuple[Chart, Values]:
    """What the release is to be; raises SettingsError as `_check` does."""
    values = args.values if args.values is not None else args.platform.values(name)
    rollback = args.platform.rollback
    if rollback is None or rollback.release != name:
        _check(name, args, values)
        return args.chart, values
    # Unchecked: helm has had these values with this chart before, and the contract of an older chart may be gone.
    pulumi.log.warn(
        f"Release {name} goes back to revision {rollback.revision}: the program's own values wait for `up`."
    )
    return dataclasses.replace(args.chart, version=rollback.chart_version), args.platform.deployed_values(name, values)


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


def checksum(salt: pulumi.Input[str], data: SecretData) -> pulumi.Output[str]:
    """A pod annotation that changes exactly when `data` changes: 64 hex characters, not secret.

    Keyed by a secret `salt`, so that nobody who reads the annotation can try out short passwords against it.
    """

    def digest(resolved: dict[str, Any]) -> str:
        text = "".join(f"{key}\0{resolved['data'][key]}\0" for key in sorted(resolved["data"]))
        return hmac.new(resolved["salt"].encode(), text.encode(), hashlib.sha256).hexdigest()

    return pulumi.Output.unsecret(pulumi.Output.all(salt=salt, data=dict(data)).apply(digest))
