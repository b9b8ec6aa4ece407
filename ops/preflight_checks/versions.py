"""Check `version`: whether the chart takes the cluster's Kubernetes, and the cluster serves what the chart makes."""

from __future__ import annotations

from collections.abc import Iterator

from ops.diagnosis.objects import name
from ops.preflight_checks.findings import CouldNotTellError, Said, fails, well
from ops.preflight_checks.view import View


def version(view: View) -> Iterator[Said]:
    """Whether helm and the API server will take the release at all."""
    rendered, release = view.rendered, view.rendered.release
    if rendered.refused:
        yield fails(
            f"{release} takes Kubernetes {rendered.takes}, the cluster has {view.version}",
            f"Upgrade the cluster, or set {release.name}.chart.version to a chart that takes it",
        )
        return
    if rendered.missing:
        raise CouldNotTellError(rendered.missing)
    takes = f"takes {rendered.takes}" if rendered.takes else "names no version that it needs"
    yield well(f"Kubernetes {view.version}; {release} {takes}")
    for item in rendered.manifests:
        if (item["apiVersion"], item["kind"]) not in view.kinds:
            others = sorted(version for version, kind in view.kinds if kind == item["kind"])
            instead = f", only {', '.join(others)}" if others else ""
            yield fails(
                f"the cluster serves no {item['apiVersion']} {item['kind']}{instead}; {name(item)} is one",
                f"Switch it off in {release.name}.values, or install what serves that kind",
            )
