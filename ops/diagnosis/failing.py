"""What an error hook asks: why a release that has just failed did so, and whether to try again.

Nothing heavy is imported before a release has failed, and nothing is ever raised: an error of the explanation would
take the place of the error that it is to explain (pulumi 3.250: "error hooks execution failed").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ops.diagnosis.transient import is_transient


@dataclass(frozen=True)
class Explanation:
    """Why a release failed."""

    lines: tuple[str, ...]
    """For people; no secret is in them."""
    transient: bool
    """Whether the errors, or the image pull that is the first cause, may go away by themselves."""


def explain_failure(
    context: str,
    kubeconfig: Path | str | None,
    namespace: str,
    release: str,
    since: datetime | None,
    *,
    errors: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
) -> Explanation:
    """Why the release failed; never raises.

    `kubeconfig` absent means the file that kubectl would take. `since` is when the operation began (with a time zone):
    what events say of earlier tries is left out. `errors` are the engine's, newest first. `values` are the Helm values,
    which tell what pods asked for that helm has taken away again.
    """
    try:
        # Imported here: the client takes 0.4 s to import (2026-11), and most runs don't fail.
        from ops.diagnosis.causes import Rank
        from ops.diagnosis.examining import examine
        from ops.diagnosis.judging import State
        from ops.diagnosis.reading import connect
        from ops.diagnosis.report import lines

        with connect(context, kubeconfig) as api:
            found = examine(api, namespace, release, since=since, errors=errors, values=values)
        first = [cause.text for cause in found.causes[:1] if cause.rank is Rank.IMAGE]
        # Helm can't try again over a record that says that it is still at it.
        open_ = found.state is not State.PENDING
        return Explanation(tuple(lines(found)), open_ and is_transient([*errors[:1], *first]))
    except Exception as error:  # Whatever it is, the release's own error matters more.
        what = str(error) if type(error).__name__ == "UnreachableError" else f"{type(error).__name__}: {error}"
        why = f"{release} (namespace {namespace}): could not look into it: {what}"
        said = [f"  helm said: {error}" for error in errors[:1]]
        return Explanation(tuple(map(_masked, [why, *said])), is_transient(errors[:1]))


def _masked(line: str) -> str:
    from ops.diagnosis.masking import Masker

    return Masker()(line)
