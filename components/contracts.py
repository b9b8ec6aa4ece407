"""Value contracts: a value that no template of the chart reads is an error, with its cure.

values/contracts/<chart>-<version>.schema.json says which keys a chart and its subcharts read. Checking needs neither
network nor chart.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from components.charts import Chart
from components.faults import Fault
from components.provenance import KeyPath, Sources, dotted
from components.values import Values, without_outputs

DIRECTORY = Path(__file__).resolve().parent.parent / "values" / "contracts"
ALLOW = "contract: allow"
"""On a key's line in a values file, with a reason behind it: lets this key through."""


def contract_file(chart: Chart, directory: Path = DIRECTORY) -> Path:
    """Where the contract of a chart's version is, or would be."""
    return directory / f"{chart.name}-{chart.version}.schema.json"


def contract_faults(chart: Chart, values: Values, sources: Sources, directory: Path = DIRECTORY) -> list[Fault]:
    """Every key of `values` that the chart ignores or takes in another type, with file, line and cure."""
    file = contract_file(chart, directory)
    if not file.is_file():
        known = ", ".join(sorted(path.name.removesuffix(".schema.json") for path in directory.glob("*.schema.json")))
        text = (
            f"values/contracts/{file.name} is missing, so nothing tells which values this version of {chart.name} "
            f"reads; found {known or 'no contract'}. Run make contracts, which writes it from the chart, or keep to a "
            "version that has one"
        )
        return [Fault(None, text)]
    schema, validator = _contract(file)
    plain = without_outputs(values)
    faults: list[Fault] = []
    for error in validator.iter_errors(plain):
        contract = _Contract(chart, schema, _cures(directory, chart.name))
        at: KeyPath = tuple(error.instance_path)
        if error.kind.name == "additionalProperties":
            unread = [
                path for name in error.kind.as_dict()["unexpected"] for path in contract.unread(plain, (*at, name))
            ]
            faults += _let_through(((path, contract.why_unread(path)) for path in unread), sources)
        else:
            faults += _let_through([(at, contract.why_refused(at, error))], sources)
    return faults


def _let_through(found: Iterable[tuple[KeyPath, str]], sources: Sources) -> Iterator[Fault]:
    """The faults, without those that a comment in the values file allows."""
    for path, text in found:
        origin = sources.origin(path)
        if not origin.comment.startswith(ALLOW):
            yield Fault(None, f"{origin.place}: {text}")
        elif not origin.comment.removeprefix(ALLOW).strip(" :,.-"):
            yield Fault(None, f"{origin.place}: `# {ALLOW}` needs a reason behind it")


@functools.cache
def _contract(file: Path) -> tuple[Mapping[str, Any], jsonschema_rs.Draft202012Validator]:
    schema = json.loads(file.read_text(encoding="utf-8"))
    return schema, jsonschema_rs.Draft202012Validator(schema)


@dataclass(frozen=True)
class _Contract:
    chart: Chart
    schema: Mapping[str, Any]
    cures: Mapping[str, str]
    """Right keys by wrong ones, from cures.yaml."""

    def unread(self, values: Any, path: KeyPath) -> list[KeyPath]:
        """The key itself, or what stands below it where that belongs to different places."""
        value = values
        for part in path:
            value = value[part]
        key = dotted(path)
        if isinstance(value, dict) and value and any(wrong.startswith(f"{key}.") for wrong in self.cures):
            return [below for name in value for below in self.unread(values, (*path, name))]
        return [path]

    def why_unread(self, path: KeyPath) -> str:
        """`no template … reads …`, with the cure, the nearest known key, or the keys that are known there."""
        known = _known_below(self.schema, path[:-1])
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        hint = self._cure(path) or (f". Did you mean {dotted((*path[:-1], near[0]))}?" if near else "")
        if not hint and known:
            hint = f"; it reads {', '.join(known[:12])}{', …' if len(known) > 12 else ''} there"
        return f"no template of {self.chart.name} {self.chart.version} reads {dotted(path)}{hint}"

    def why_refused(self, path: KeyPath, error: jsonschema_rs.ValidationError) -> str:
        """`… can't be used …`, with what was found and what the chart takes."""
        return (
            f"{dotted(path) or 'the whole'} can't be used by {self.chart.name} {self.chart.version}: {_taken(error)}"
            f"{self._cure(path)}"
        )

    def _cure(self, path: KeyPath) -> str:
        key = dotted(path)
        for wrong, right in self.cures.items():
            stem = wrong.removesuffix(".*")
            if wrong == key or (stem != wrong and key.startswith(f"{stem}.")):
                return f". It belongs to {right.replace('.*', key.removeprefix(stem))}"
        elsewhere = [known for known in all_keys(self.schema) if known.rsplit(".", 1)[-1] == path[-1] and known != key]
        return f". It belongs to {elsewhere[0]}" if len(elsewhere) == 1 else ""


@functools.cache
def _cures(directory: Path, chart: str) -> Mapping[str, str]:
    file = directory / "cures.yaml"
    cures = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) if file.is_file() else {}
    return cures.get(chart) or {}


def _taken(error: jsonschema_rs.ValidationError) -> str:
    found = error.kind.as_dict()
    if error.kind.name == "type":
        takes = [_KINDS.get(name, name) for name in found["types"] if name != "null"]
        return f"found {_kind(error.instance)}; the chart takes {' or '.join(takes)}"
    if error.kind.name == "enum":
        return f"found {json.dumps(error.instance)}; the chart takes one of {found['options']}"
    return error.message


_KINDS = {
    "object": "a map", "array": "a list", "string": "a text", "boolean": "true or false", "integer": "a whole number",
    "number": "a number",
}  # fmt: skip


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list)):
        return _KINDS["object" if isinstance(value, dict) else "array"]
    return json.dumps(value)


def _known_below(schema: Mapping[str, Any], path: KeyPath) -> list[str]:
    for part in path:
        properties = schema.get("properties", {})
        schema = properties.get(part, {}) if isinstance(part, str) else schema.get("items", {})
    return sorted(schema.get("properties", {}))


def all_keys(schema: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Every value key that a contract names, dotted."""
    for name, below in (schema.get("properties") or {}).items():
        yield prefix + name
        yield from all_keys(below, f"{prefix}{name}.")
