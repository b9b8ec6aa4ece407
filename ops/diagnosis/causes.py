"""What a cause is, and which cause is the more specific of two."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Rank(IntEnum):
    """Kinds of causes. What stands further up makes what stands below it, not the other way round."""

    HELM = 0
    """Helm, or the API server in its stead, refused the release before any pod was asked for."""
    REFUSED = 1
    """No pod is made: quota, pod security, service account, an admission webhook."""
    CLAIM = 2
    """A volume claim is not bound."""
    NODE = 3
    """No node can take the pod."""
    VOLUME = 4
    """The node can't mount a volume, or make the pod's sandbox."""
    IMAGE = 5
    """An image can't be pulled."""
    START = 6
    """A container can't be started: its Secret or ConfigMap is missing, its command isn't there."""
    HOOK = 7
    """The command that runs after the start (Ollama's chart pulls models in it) failed."""
    CRASH = 8
    """A container ends by itself."""
    PROBE = 9
    """A container runs, but its probes say that it isn't well."""
    EVICTED = 10
    """The pod was taken off its node."""
    SLOW = 11
    """Nothing failed yet: it takes longer than it is given."""
    SERVICE = 12
    """A Service waits for an address."""
    RECORD = 13
    """Helm's record of the release is stuck."""
    ROLLOUT = 14
    """A workload isn't complete, and nothing more specific is known."""


@dataclass(frozen=True)
class LogOf:
    """Whose last log lines belong to a cause."""

    pod: str
    container: str
    previous: bool
    """Whether the container that wrote them has been replaced since."""


@dataclass(frozen=True)
class Cause:
    """One reason why a release is not ready."""

    rank: Rank
    subject: str
    """What it is about, from the workload down, such as `Deployment ollama, pod ollama-5d7c-x2k4j`."""
    text: str
    """What is wrong with it: one sentence without a full stop."""
    details: tuple[str, ...] = ()
    cure: str = ""
    """What to do, where that is known."""
    log: LogOf | None = None

    @property
    def line(self) -> str:
        """Subject and text in one line."""
        return f"{self.subject}: {self.text}"


def by_rank(causes: list[Cause]) -> list[Cause]:
    """The causes without repetitions, most specific first; of one rank, in the order found."""
    seen: set[tuple[Rank, str, str]] = set()
    kept = []
    for cause in sorted(causes, key=lambda cause: cause.rank):
        # The pods of one workload fail alike: one of them speaks for all.
        key = (cause.rank, cause.subject.partition(",")[0], cause.text)
        if key not in seen:
            seen.add(key)
            kept.append(cause)
    return kept
