"""Puts it together: renders, asks the cluster, runs the checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from components.settings import CheckName
from ops.diagnosis.reading import UnreachableError, connect
from ops.preflight_checks.access import permissions
from ops.preflight_checks.architecture import architecture
from ops.preflight_checks.asking import Cluster, existing_secrets
from ops.preflight_checks.findings import REACHABLE, CouldNotTellError, Finding, Result, Said, unknown
from ops.preflight_checks.ingress import ingress_class
from ops.preflight_checks.limits import limit_range
from ops.preflight_checks.names import names
from ops.preflight_checks.pod_security import pod_security
from ops.preflight_checks.quota import quota
from ops.preflight_checks.reading import Api, Deadline, Pool, read_one
from ops.preflight_checks.rendering import Release, Rendered
from ops.preflight_checks.scheduling import capacity, gpu
from ops.preflight_checks.secrets import secrets
from ops.preflight_checks.storage import storage
from ops.preflight_checks.versions import version
from ops.preflight_checks.view import View

Check = Callable[[View], Iterable[Said]]
Off = Mapping[CheckName, str]
"""Checks that are switched off, each with the reason."""

CHECKS: Mapping[CheckName, Check] = {
    "version": version,
    "permissions": permissions,
    "names": names,
    "storage": storage,
    "gpu": gpu,
    "capacity": capacity,
    "architecture": architecture,
    "quota": quota,
    "limitRange": limit_range,
    "podSecurity": pod_security,
    "ingressClass": ingress_class,
    "secrets": secrets,
}
"""Every one of them concerns one release, and runs by itself before that release is created or changed."""

WITHIN = 7.5
"""Seconds in which everything must have been asked: the promise is 10, and Python takes some to start."""


def examine(releases: Sequence[Release], off: Off, context: str, kubeconfig: Path | str | None) -> list[Finding]:
    """What all checks say of these releases, but those that are switched off."""
    deadline = Deadline.after(WITHIN)
    try:
        with connect(context, kubeconfig) as api_client:
            cluster = Cluster.reach(Api(api_client, deadline))
            views = [replace(view, off=off.keys()) for view in cluster.views(releases)]
    except UnreachableError as error:
        return _unreachable(str(error), off)
    host = api_client.configuration.host
    reached = Finding(Result.OK, f"context {context}: {host} answers, Kubernetes {cluster.version}", check=REACHABLE)
    return [reached, *(finding for check in CHECKS for view in views for finding in findings_of(check, view, off))]


def examine_secrets(release: Release, off: Off, context: str, kubeconfig: Path | str | None) -> list[Finding]:
    """What the check `secrets` says of a release, with no look at anything else; nothing where the cluster is away."""
    try:
        with connect(context, kubeconfig) as api_client, Pool(deadline := Deadline.after(WITHIN)) as pool:
            api = Api(api_client, deadline)
            namespace = pool.answer(pool.start(partial(read_one, api, f"/api/v1/namespaces/{release.namespace}")))
            found = pool.answers(existing_secrets(api, release))
    except UnreachableError:
        return []
    return list(findings_of("secrets", View(Rendered(release), namespace=namespace, existing_secrets=found), off))


def _unreachable(why: str, off: Off) -> list[Finding]:
    cure = "Look at kubernetes:context of the stack file, the kubeconfig, and the way to the cluster (VPN, proxy)"
    others = [
        _off(check, None, off) or Finding(Result.UNKNOWN, "the cluster was not reached", check=check)
        for check in CHECKS
    ]
    return [Finding(Result.FAILED, why, cure, REACHABLE), *others]


def findings_of(check: CheckName, view: View, off: Off) -> Iterator[Finding]:
    """The findings of one check: those that are not ok, or one that is."""
    release = view.rendered.release.name
    if finding := _off(check, release, off):
        yield finding
        return
    said = list(_ask(check, view))
    concerns = [item for item in said if item.result is not Result.OK] or said[:1]
    text = "; ".join(item.text for item in said if item.result is Result.OK)
    for item in concerns:
        shown = text if item.result is Result.OK else item.text
        yield Finding(item.result, shown, item.cure, check, release)


def _off(check: CheckName, release: str | None, off: Off) -> Finding | None:
    reason = off.get(check)
    return Finding(Result.OFF, f"switched off: {reason}", "", check, release) if reason else None


def _ask(check: CheckName, view: View) -> Iterator[Said]:
    try:
        yield from CHECKS[check](view)
    except CouldNotTellError as error:
        yield unknown(str(error))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # A chart may render what no API server would take, such as a quantity that is none.
        yield unknown(f"a manifest or an answer has a form that is not known here ({type(error).__name__})")
