"""What runs around a release in `pulumi up`: a look at the cluster before, an explanation after a failure.

Hooks don't run in a preview. What they need is imported when they run: the Kubernetes client takes 0.4 s (2026-11).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pulumi

# Pulumi takes the program's folder off the path when the program has run; what is in a package that is imported is
# found all the same.
import ops  # noqa: F401
from components.charts import Chart, ChartLocation
from components.platform import Platform
from components.values import Values, merge, without_outputs

if TYPE_CHECKING:
    from ops.diagnosis import Explanation

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


def release_hooks(plan: Plan) -> pulumi.ResourceHookBinding:
    """Preflight before the release is created or changed, `why` when that fails."""
    hooks = _Hooks(plan)
    before = pulumi.ResourceHook(f"preflight {plan.name}", hooks.before)
    return pulumi.ResourceHookBinding(
        before_create=[before],
        before_update=[before],
        on_error=[pulumi.ErrorHook(f"why {plan.name}", hooks.on_error)],
    )


class _Hooks:
    """The hooks of one release in one run of the program."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._began: datetime | None = None

    async def before(self, args: pulumi.ResourceHookArgs) -> None:
        """Raises PreflightError where the cluster can't run the release."""
        self._began = datetime.now(UTC)
        # In a thread: the engine goes on with other resources meanwhile.
        reason = await asyncio.to_thread(_refusal, self._plan, _values(self._plan, args.new_inputs))
        if reason:
            raise PreflightError(reason)

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
        (pulumi.log.warn if again else pulumi.log.error)("\n".join([heading, *found.lines]))
        return again


def _refusal(plan: Plan, values: Values) -> str | None:
    from ops.preflight import preflight_release, refusal
    from ops.preflight_checks.findings import REACHABLE
    from ops.preflight_checks.rendering import Release

    release = Release(
        name=plan.name,
        namespace=plan.namespace,
        chart=plan.chart,
        location=plan.location,
        values=values,
        labels=plan.labels,
        secrets=plan.secrets,
        settings=plan.override,
    )
    findings = preflight_release(release, plan.platform.preflight, plan.platform.context)
    # A cluster that is away for a moment is helm's to find, and then the error hook's to judge.
    return refusal([item for item in findings if item.check != REACHABLE])


def _explanation(plan: Plan, began: datetime | None, errors: list[str], values: Values) -> Explanation:
    from ops.diagnosis import explain_failure

    context = plan.platform.context
    return explain_failure(context, None, plan.namespace, plan.name, began, errors=errors, values=values)


def _values(plan: Plan, inputs: Mapping[str, Any] | None) -> Values:
    """The release's values as the chart gets them; an empty text stands in for one that is secret."""
    return merge(without_outputs((inputs or {}).get("values") or {}), plan.nulls)
