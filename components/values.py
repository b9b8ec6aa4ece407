"""Helm values: how layers merge, and how the files in values/ are read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import yaml

Values = dict[str, Any]


def merge(*layers: Mapping[str, Any]) -> Values:
    """The layers as Helm merges several `-f` files: maps merge, lists and scalars replace, the last layer wins.

    A null stays in the result, as it does in Helm: there it removes the chart's default (and so what an earlier
    layer said). No layer is changed.
    """
    merged: Values = {}
    for layer in layers:
        for key, value in layer.items():
            present = merged.get(key)
            if isinstance(value, Mapping):
                merged[key] = merge(present, value) if isinstance(present, Mapping) else merge(value)
            else:
                merged[key] = value
    return merged


def only_nulls(values: Mapping[str, Any]) -> Values:
    """The part of the values that is null, in its place: what removes defaults of a chart."""
    nulls: Values = {}
    for key, value in values.items():
        if value is None:
            nulls[key] = None
        elif isinstance(value, Mapping) and (below := only_nulls(value)):
            nulls[key] = below
    return nulls


def dig(value: Any, *path: str | int) -> Any:
    """What stands at the path in maps of maps; None where there is nothing, or something is no map."""
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def section(values: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The map at the path inside the values; empty where there is none."""
    found = dig(values, *path)
    return found if isinstance(found, Mapping) else {}


def entries(value: Any) -> dict[Any, Any]:
    """What a map or a list holds, by key or place; nothing where it is neither."""
    return dict(value) if isinstance(value, Mapping) else dict(enumerate(value if isinstance(value, list) else ()))


def whole(value: Any, default: int) -> int:
    """A number of pods or devices, 0 being `default` as in the charts.

    What is no whole number is `default`, too: guardrails/countable.py tells of it.
    """
    try:
        return int(value) or default
    except (TypeError, ValueError):
        return default


def without_outputs(value: Any) -> Any:
    """The values with an empty text where only `up` knows the value, or where it is secret."""
    if isinstance(value, Mapping):
        return {key: without_outputs(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_outputs(item) for item in value]
    return "" if isinstance(value, pulumi.Output) else value


class ValuesFileError(ValueError):
    """A values file that can't be used; the message names file and line."""


@dataclass(frozen=True)
class ValuesFile:
    """One file of Helm values."""

    path: Path
    shown: str
    """Its path as a person knows it, from the project's folder."""
    values: Values


def merged(files: Iterable[ValuesFile]) -> Values:
    """What the files say together."""
    return merge(*(file.values for file in files))


def read_layers(directory: Path, stack: str) -> tuple[dict[str, tuple[ValuesFile, ...]], list[ValuesFileError]]:
    """Files by app, `<app>.yaml` and the overlay `<app>.<stack>.yaml` where there is one, and what is wrong."""
    layers: dict[str, tuple[ValuesFile, ...]] = {}
    errors: list[ValuesFileError] = []
    for base in sorted(directory.glob("*.yaml")):
        app, _, overlay_of = base.stem.partition(".")
        if overlay_of:
            if not (directory / f"{app}.yaml").is_file():
                errors.append(ValuesFileError(f"{_shown(base)}: overlays {app}.yaml, which is not there"))
            continue
        files = [file for file in (base, directory / f"{app}.{stack}.yaml") if file.is_file()]
        read: list[ValuesFile] = []
        for file in files:
            try:
                read.append(ValuesFile(file, _shown(file), _read(file)))
            except ValuesFileError as error:
                errors.append(error)
        layers[app] = tuple(read)
    return layers, errors


def dump(document: Mapping[str, Any]) -> str:
    """YAML text, keys in the order given, for a value that a chart takes as a block of text."""
    return yaml.dump(dict(document), Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=1000)


def _read(file: Path) -> Values:
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_ValuesLoader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ValuesFileError(f"{_shown(file)}: line {line}: {error.problem}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValuesFileError(f"{_shown(file)}: is no text in UTF-8 that YAML can hold") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ValuesFileError(f"{_shown(file)}: found a {type(content).__name__}; allowed: a map of Helm values")
    return content


def _shown(file: Path) -> str:
    return file.relative_to(file.parents[2 if file.parent.name == "app" else 1]).as_posix()


class _ValuesLoader(yaml.CSafeLoader):
    """Refuses what would get lost or fail later: a key that stands twice in one map, and what isn't JSON."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.tag != "tag:yaml.org,2002:str":
                shown = key.value if isinstance(key, yaml.ScalarNode) else "a map or list"
                raise _refused(key, f"the key {shown} isn't read as text; put it in quotes")
            if key.value in seen:
                raise _refused(key, f"the key {key.value!r} stands twice in one map")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _refused(node: yaml.Node, problem: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _refuse(loader: _ValuesLoader, node: yaml.Node) -> Any:
    kind = node.tag.rpartition(":")[2]
    raise _refused(node, f"{node.value!r} is read as a {kind}, which Helm values can't hold; put it in quotes")


def _finite(loader: _ValuesLoader, node: yaml.ScalarNode) -> float:
    number = float(loader.construct_yaml_float(node))
    return number if math.isfinite(number) else _refuse(loader, node)


for _kind in ("timestamp", "binary", "set", "omap", "pairs"):
    _ValuesLoader.add_constructor(f"tag:yaml.org,2002:{_kind}", _refuse)
_ValuesLoader.add_constructor("tag:yaml.org,2002:float", _finite)
