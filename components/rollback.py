"""One run of the program in which one release gets the values and the chart version of an earlier revision.

`python -m ops rollback` sets it for the run that it starts, and for no other. It travels in the environment and not in
config: `pulumi up --config` would write it, and what it holds, into the stack file.
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pulumi

from components.values import Values

VARIABLE = "PRIVATE_CHATGPT_ROLLBACK"


class RollbackError(ValueError):
    """The environment holds a rollback that this run can't be; the message says what to do."""


@dataclass(frozen=True)
class Rollback:
    """What takes the place of a release's own inputs."""

    stack: str
    """The one stack that it is for."""
    release: str
    revision: int
    """Helm's number of the revision that the rest is from."""
    chart_version: str
    values: Values
    """What helm was given then, nulls included."""

    @staticmethod
    def of_environment(environment: Mapping[str, str], stack: str) -> Rollback | None:
        """The rollback that the run is; None for a run like any other.

        Raises RollbackError for one that is another stack's, or can't be read.
        """
        packed = environment.get(VARIABLE)
        if not packed:
            return None
        try:
            found = Rollback(**json.loads(gzip.decompress(base64.b64decode(packed))))
        except (OSError, EOFError, zlib.error, TypeError, ValueError) as error:
            text = f"{VARIABLE} is set, but holds no rollback. Unset it: only `python -m ops rollback` sets it"
            raise RollbackError(text) from error
        if found.stack != stack:
            text = f"{VARIABLE} is set for the stack {found.stack}, but this is {stack}. Unset it"
            raise RollbackError(text)
        return found

    def environment(self) -> dict[str, str]:
        """The variable that `of_environment` reads; packed, since Linux takes no variable over 128 KiB."""
        packed = gzip.compress(json.dumps(asdict(self)).encode())
        return {VARIABLE: base64.b64encode(packed).decode()}

    def in_place_of(self, values: Values) -> Values:
        """The values of the revision, secret wherever those of the program are."""
        return {key: _like(values.get(key), value) for key, value in self.values.items()}


def _like(program: Any, earlier: Any) -> Any:
    """The earlier value, as an output where the program's is one, since helm's record doesn't say what is secret."""
    if isinstance(program, pulumi.Output):
        return _as_secret_as(program, earlier)
    if isinstance(program, Mapping) and isinstance(earlier, Mapping):
        return {key: _like(program.get(key), value) for key, value in earlier.items()}
    if isinstance(program, list):
        return _as_secret_as(pulumi.Output.from_input(program), earlier) if _has_output(program) else earlier
    return earlier


def _as_secret_as(program: pulumi.Output[Any], earlier: Any) -> pulumi.Output[Any]:
    """Without what the program's value depends on: that may be a key which nobody has deployed yet."""
    plain = pulumi.Output.from_input(earlier)
    return pulumi.Output(set(), plain.future(), plain.is_known(), program.is_secret())


def _has_output(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_output, value.values()))
    if isinstance(value, list):
        return any(map(_has_output, value))
    return isinstance(value, pulumi.Output)
