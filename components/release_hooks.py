"""What runs around a release in `pulumi up`: a look at the cluster before, an explanation after a failure.

Hooks don't run in a preview. What they need is imported when they run: the Kubernetes client takes 0.4 s (2026-11).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pulumi

# Pulumi takes the program's folder off sys.path when the program has run, and the hooks run after that. Modules of a
# package that is imported are found all the same.
import ops  # noqa: F401
from components.charts import Chart, ChartLocation
from components.existing import ExistingSecret
from components.guardrails.objects import QUOTA, Manifest
from components.platform import Platform
from components.values import Values, merge, without_outputs

if TYPE_CHECKING:
    from ops.diagnosis import Explanation
    from ops.preflight_checks.rendering import Release

TRIES = 2
"""How often a release is tried where the cause may go away by itself; once otherwise."""


class PreflightError(Exception):
    """The release can't run on its cluster; the message says why, and what to do."""


@dataclass(frozen=True)
class Plan:
    """A release as the program has it, but for what only `up` knows: that comes from the engine, to the hooks."""

    platform: Platform
    name: str
    namespace: str
    chart: Chart
    location: ChartLocation
    nulls: Values
    """The nulls among its values: the engine's inputs lack them."""
    override: Values
    labels: Mapping[str, str]
    secrets: tuple[str, ...]
    existing_secrets: tuple[ExistingSecret, ...] = ()
    values: Values = field(default_factory=dict)
    """Those of the program, an empty text for what only `up` knows."""
    around: tuple[Manifest, ...] = ()
    """What stands around the release."""
    namespace_labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def quota(self) -> Manifest | None:
        """The ResourceQuota among what stands around the release."""
        return next((item for item in self.around if item["kind"] == QUOTA), None)


def release_hooks(plan: Plan) -> pulumi.ResourceHookBinding:
    """Preflight before the release is created or changed, `why` when that fails."""
    hooks = _Hooks(plan)
    before = pulumi.ResourceHook(f"preflight {plan.name}", hooks.before)
    return pulumi.ResourceHookBinding(
        before_create=[before],
        before_update=[before],
        on_error=[pulumi.ErrorHook(f"why {plan.name}", hooks.on_error)],
    )


def secrets_hooks(plan: Plan) -> pulumi.ResourceHookBinding | None:
    """The check `secrets` before anything beside the release changes; None where it reads no Secret of others.

    Not before something is created: on a first `up` the release's own hook says it, once.
    """
    if not plan.existing_secrets:
        return None
    return pulumi.ResourceHookBinding(before_update=[pulumi.ResourceHook(f"secrets {plan.name}", _Gate(plan).before)])


def size_hooks(plan: Plan) -> pulumi.ResourceHookBinding:
    """The whole preflight before a LimitRange changes: it follows from what the release asks for, and comes before it.

    Not before a network rule or a role changes: that must be possible on a cluster that is short of something.
    """
    gate = _Gate(plan, whole=True)
    return pulumi.ResourceHookBinding(before_update=[pulumi.ResourceHook(f"size {plan.name}", gate.before)])


class _Gate:
    """One look at the cluster for all resources that wait for it: at the Secrets of others, or at everything."""

    def __init__(self, plan: Plan, *, whole: bool = False) -> None:
        self._plan = plan
        self._whole = whole
        self._lock = threading.Lock()
        self._answers: list[str | None] = []

    async def before(self, args: pulumi.ResourceHookArgs) -> None:
        """Raises PreflightError where what it looks at forbids the change."""
        if reason := await asyncio.to_thread(self._answer):
            raise PreflightError(reason)

    def _answer(self) -> str | None:
        with self._lock:
            if not self._answers:
                self._answers.append(self._look())
            return self._answers[0]

    def _look(self) -> str | None:
        if self._plan.existing_secrets:
            _wait_for_secrets(self._plan)
        if self._whole:
            return _half_done(self._plan) or _refusal(self._plan, merge(self._plan.values, self._plan.nulls))
        return _secrets_refusal(self._plan)


class _Hooks:
    """The hooks of one release in one run of the program."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._began: datetime | None = None
        self._narrower: Mapping[str, str] | None = None
        """What the quota said before room was made for the release."""

    async def before(self, args: pulumi.ResourceHookArgs) -> None:
        """Raises PreflightError where the cluster can't run the release, or an interrupted `up` left it half done."""
        self._began = datetime.now(UTC)
        # In a thread: the engine goes on with other resources meanwhile.
        reason = await asyncio.to_thread(_half_done, self._plan)
        if not reason and self._plan.existing_secrets:
            await asyncio.to_thread(_wait_for_secrets, self._plan)
        reason = reason or await asyncio.to_thread(_refusal, self._plan, _values(self._plan, args.new_inputs))
        if reason:
            raise PreflightError(reason)
        self._narrower = self._narrower or await asyncio.to_thread(_make_room, self._plan)

    async def on_error(self, args: pulumi.ErrorHookArgs) -> bool:
        """Prints why the release failed; returns whether to try again."""
        if args.failed_operation == "delete":
            return False
        values = _values(self._plan, args.new_inputs)
        found = await asyncio.to_thread(_explanation, self._plan, self._began, args.errors, values)
        again = found.transient and len(args.errors) < TRIES
        heading = f"Why release {self._plan.name} failed" + (
            " (it may be temporary: trying once more)" if again else ""
        )
        if self._narrower and not again:
            await asyncio.to_thread(_take_room_back, self._plan, self._narrower)
        (pulumi.log.warn if again else pulumi.log.error)("\n".join([heading, *found.lines]))
        return again


def _half_done(plan: Plan) -> str | None:
    from ops.recovery.records import ReleaseName, refusal

    platform = plan.platform
    return refusal(platform.stack, platform.context, None, ReleaseName(plan.name, plan.namespace))


def _make_room(plan: Plan) -> Mapping[str, str] | None:
    from ops.quota_room import NoRoomError, widen

    if plan.quota is None:
        return None
    try:
        return widen(plan.platform.context, plan.namespace, plan.quota["metadata"]["name"], plan.quota["spec"]["hard"])
    except NoRoomError as error:
        raise PreflightError(str(error)) from error


def _take_room_back(plan: Plan, narrower: Mapping[str, str]) -> None:
    from ops.quota_room import NoRoomError, narrow

    if plan.quota is None:
        return
    try:
        narrow(plan.platform.context, plan.namespace, plan.quota["metadata"]["name"], narrower)
    except NoRoomError as error:
        pulumi.log.warn(str(error))


def _wait_for_secrets(plan: Plan) -> None:
    from ops.preflight_checks.waiting import wait_for_secrets

    settings = plan.platform.preflight
    if "secrets" not in settings.off:
        names = sorted({secret.name for secret in plan.existing_secrets})
        wait_for_secrets(plan.platform.context, plan.namespace, names, settings.wait_for_secrets, pulumi.log.info)


def _secrets_refusal(plan: Plan) -> str | None:
    from ops.preflight import refusal
    from ops.preflight_checks.running import examine_secrets

    return refusal(examine_secrets(_release(plan, {}), plan.platform.preflight.off, plan.platform.context, None))


def _refusal(plan: Plan, values: Values) -> str | None:
    from ops.preflight import preflight_release, refusal
    from ops.preflight_checks.findings import REACHABLE

    findings = preflight_release(_release(plan, values), plan.platform.preflight, plan.platform.context)
    # A cluster that is away for a moment is helm's to find, and then the error hook's to judge.
    return refusal([item for item in findings if item.check != REACHABLE])


def _release(plan: Plan, values: Values) -> Release:
    from ops.preflight_checks.rendering import Release

    return Release(
        name=plan.name,
        namespace=plan.namespace,
        chart=plan.chart,
        location=plan.location,
        values=values,
        labels=plan.labels,
        secrets=plan.secrets,
        existing_secrets=plan.existing_secrets,
        around=plan.around,
        namespace_labels=plan.namespace_labels,
        settings=plan.override,
    )


def _explanation(plan: Plan, began: datetime | None, errors: list[str], values: Values) -> Explanation:
    from ops.diagnosis import explain_failure

    context = plan.platform.context
    return explain_failure(context, None, plan.namespace, plan.name, began, errors=errors, values=values)


def _values(plan: Plan, inputs: Mapping[str, Any] | None) -> Values:
    """The release's values as the chart gets them; an empty text stands in for one that is secret."""
    return merge(without_outputs((inputs or {}).get("values") or {}), plan.nulls)
