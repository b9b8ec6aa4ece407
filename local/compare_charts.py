"""Compares a stand-in chart with the real one: renders both with the same values, then goes object by object.

    python -m local.compare_charts --real DIR --values FILE [FILE...]

DIR is the real chart unpacked, with its subcharts under `charts/`; `helm` comes from PATH. Exits 1 where the two
differ in anything that IGNORED does not list, 2 where one of them can't be rendered.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from deepdiff import DeepDiff

STAND_INS = Path(__file__).parent / "charts"

IGNORED = {
    # MongoDB and Meilisearch: subcharts with versions of their own upstream, part of one chart here.
    r"\['labels'\]\['(helm\.sh/chart|app\.kubernetes\.io/version)'\]$": "the version of a subchart",
    r"\['annotations'\]\['checksum/config(Env)?'\]$": "a hash over the template, which changes with the configuration",
    r"^root\['ConfigMap/[^']*-mongodb-(common-)?scripts'\]\['data'\]": "a script that no simulated pod runs",
    r"^root\['ConfigMap/[^']*-configenv'\]\['data'\]\['(CREDS_KEY|CREDS_IV|JWT_SECRET|JWT_REFRESH_SECRET)'\]$": (
        "a public default key of the upstream chart, which is not repeated here"
    ),
}
"""Path → what stands there. Its text may differ; where one side lacks it or leaves it empty, that is reported."""

Objects = dict[str, Any]
"""Rendered objects by `<kind>/<name>`, and the chart's identity by `Chart.yaml`."""


class RenderError(Exception):
    """A chart that can't be rendered; the message is helm's."""


def render(chart: Path, values: Sequence[Path], release: str, namespace: str) -> Objects:
    """What `chart` renders with `values`, without the pods that only `helm test` creates; raises RenderError."""
    files = [argument for file in values for argument in ("--values", str(file))]
    command = ["helm", "template", release, str(chart), "--namespace", namespace, "--skip-tests", *files]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise RenderError("helm is not on PATH; `make toolchain` puts it into the toolchain's folder") from error
    if done.returncode:
        raise RenderError(f"{chart} can't be rendered: {done.stderr.strip()}")
    identity = _metadata(chart)
    objects: Objects = {"Chart.yaml": {key: identity.get(key) for key in ("name", "version", "appVersion")}}
    for document in yaml.safe_load_all(done.stdout):
        if document is None:
            continue
        key = f"{document['kind']}/{document['metadata']['name']}"
        if key in objects:
            raise RenderError(f"{chart} renders {key} twice")
        # A ConfigMap's null is an empty text on the server; any other null is the same as no field.
        objects[key] = document if document["kind"] == "ConfigMap" else _without_nulls(document)
    return objects


def differences(real: Objects, stand_in: Objects) -> list[str]:
    """One line per object or field that differs, in order of objects: its path, the real side, the stand-in side."""
    tree = DeepDiff(
        real,
        stand_in,
        view="tree",
        threshold_to_diff_deeper=0,
        exclude_obj_callback_strict=_may_differ,
    )
    lines = []
    for levels in tree.tree.values():
        for level in levels:
            found, *path = level.path(output_format="list")
            if path:
                lines.append(f"{found} {'.'.join(map(str, path))}: real {level.t1!r}, stand-in {level.t2!r}")
            else:
                side = "real" if found in real else "stand-in"
                lines.append(f"{found}: only in the {side} chart")
    return sorted(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 no difference, 1 differences (printed), 2 a chart that can't be rendered."""
    parser = argparse.ArgumentParser(
        prog="python -m local.compare_charts",
        description=(__doc__ or "").partition("\n")[0],
        epilog="Texts that may differ:\n" + "\n".join(f"  {path}: {reason}" for path, reason in IGNORED.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--real", type=Path, required=True, metavar="DIR", help="the real chart, unpacked")
    parser.add_argument("--stand-in", type=Path, metavar="DIR", help="default: the one of that name in local/charts")
    parser.add_argument("--values", type=Path, nargs="*", default=[], metavar="FILE", help="the later file wins")
    parser.add_argument("--release", help="release name; default: the chart's name")
    parser.add_argument("--namespace", help="default: the release name")
    options = parser.parse_args(arguments)
    try:
        name = _metadata(options.real)["name"]
        release = options.release or name
        namespace = options.namespace or release
        real = render(options.real, options.values, release, namespace)
        stand_in = render(options.stand_in or STAND_INS / name, options.values, release, namespace)
    except RenderError as error:
        print(error, file=sys.stderr)
        return 2
    lines = differences(real, stand_in)
    print("\n".join([*lines, f"{name}: {len(lines)} differences in {len(real.keys() | stand_in.keys()) - 1} objects"]))
    return 1 if lines else 0


def _metadata(chart: Path) -> dict[str, Any]:
    try:
        text = (chart / "Chart.yaml").read_text(encoding="utf-8")
    except OSError as error:
        raise RenderError(f"{chart} is no unpacked chart: {error}") from error
    metadata: dict[str, Any] = yaml.safe_load(text)
    return metadata


def _may_differ(value: object, path: str) -> bool:
    """Asked of both sides, which must both agree: so a text can't be excused by nothing on the other side."""
    return isinstance(value, str) and value != "" and any(re.search(pattern, path) for pattern in IGNORED)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


if __name__ == "__main__":
    sys.exit(main())
