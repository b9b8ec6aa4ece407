"""A diagnosis in words, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ops.diagnosis.causes import Cause
from ops.diagnosis.judging import Diagnosis

SHOWN = 3
"""Causes that are told in full; the first is the most specific one, the rest mostly follow from it."""


def lines(diagnosis: Diagnosis) -> list[str]:
    """What a person reads: how the release stands, then its causes, most specific first, then what wasn't seen."""
    found = [f"{diagnosis.release} (namespace {diagnosis.namespace}): {diagnosis.headline}"]
    for cause in diagnosis.causes[:SHOWN]:
        found += _of_cause(cause)
    rest = diagnosis.causes[SHOWN:]
    if rest:
        found.append(f"  and {len(rest)} more: {'; '.join(cause.subject for cause in rest)}")
    return [*found, *(f"  note: {note}" for note in diagnosis.notes)]


def as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """What a program reads: everything that was found."""
    return {
        "release": diagnosis.release,
        "namespace": diagnosis.namespace,
        "state": diagnosis.state.value,
        "headline": diagnosis.headline,
        "causes": [
            {
                "kind": cause.rank.name.lower(),
                "subject": cause.subject,
                "text": cause.text,
                "details": list(cause.details),
                "cure": cause.cure,
            }
            for cause in diagnosis.causes
        ],
        "notes": list(diagnosis.notes),
    }


def _of_cause(cause: Cause) -> Iterator[str]:
    yield f"  {cause.line}"
    yield from (f"    {detail}" for detail in cause.details)
    if cause.cure:
        yield f"    What to do: {cause.cure}."
