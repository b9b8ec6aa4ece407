from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.toolchain.conftest import Sandbox


@pytest.fixture
def building(sandbox: Sandbox) -> Sandbox:
    """A sandbox with one program to build."""
    sandbox.add_go()
    sandbox.add_program("tool")
    return sandbox


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_run_ends_the_compilers_and_leaves_nothing(building: Sandbox, number: signal.Signals) -> None:
    run = building.start(FAKE_GO_TICKS="100")
    building.wait_for_tick()
    run.send_signal(number)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 128 + number
    assert "run it again to go on" in output
    ticks = building.ticks()
    time.sleep(0.25)  # more than two ticks
    assert building.ticks() == ticks
    assert (building.installed("tool"), building.leftovers()) == ([], [])


def test_a_killed_run_leaves_no_program_and_the_next_one_waits_for_its_build_and_completes(building: Sandbox) -> None:
    run = building.start(FAKE_GO_TICKS="60")
    building.wait_for_tick()
    run.kill()
    run.wait()
    assert building.installed("tool") == []
    code, output = building.run()
    assert (code, building.says("tool"), len(building.builds())) == (0, "v1.0.0", 2), output
    assert "waiting for another run that is installing it (it holds" in output
    assert building.leftovers() == []


def test_a_run_killed_together_with_its_build_leaves_no_program_and_the_next_one_completes(building: Sandbox) -> None:
    run = building.start(FAKE_GO_TICKS="100")
    building.wait_for_tick()
    run.kill()
    run.wait()
    os.killpg(building.build_group(), signal.SIGKILL)
    half_written = [path for path in building.store.rglob("tool") if path.is_file()]
    assert [path.parts[-3] for path in half_written] == [f".staging-{run.pid}"]
    code, output = building.run()
    assert (code, building.says("tool"), building.leftovers()) == (0, "v1.0.0", []), output


def test_what_was_finished_before_an_interruption_is_not_built_again(building: Sandbox) -> None:
    building.add_program("second")
    assert building.run(FAKE_GO_SAYS="v1.0.0 finished")[0] == 0
    building.installed("second")[0].unlink()
    assert building.run(FAKE_GO_SAYS="v1.0.0 resumed")[0] == 0
    assert [building.says("tool"), building.says("second")] == ["v1.0.0 finished", "v1.0.0 resumed"]


def test_two_runs_at_once_build_once(building: Sandbox) -> None:
    first = building.start(FAKE_GO_TICKS="60")
    building.wait_for_tick()
    code, output = building.run()
    said, _ = first.communicate(timeout=30)
    assert (code, first.returncode, len(building.builds())) == (0, 0, 1)
    assert "waiting for another run that is installing it" in output
    assert "installed by another run meanwhile" in output
    assert "built from Go modules" in said
