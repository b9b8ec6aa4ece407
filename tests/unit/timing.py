"""What something costs the processor."""

import gc
import resource
from collections.abc import Callable

TURNS = 3


def processor_seconds(run: Callable[[], object], who: int = resource.RUSAGE_SELF, turns: int = TURNS) -> float:
    """The least of some turns, in seconds: what else the machine does, and old garbage, only ever adds.

    With RUSAGE_CHILDREN for `who`, of the processes that `run` starts and waits for.
    """
    return min(_once(run, who) for _ in range(turns))


def _once(run: Callable[[], object], who: int) -> float:
    gc.collect()
    before = resource.getrusage(who)
    run()
    after = resource.getrusage(who)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
