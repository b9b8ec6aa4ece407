"""What the program's unit tests share: each stack of the repo, deployed on mocks as it stands."""

import copy
import functools

import hypothesis
import pytest

from tests.unit.deployment import deploy
from tests.unit.recording import Deployment

# The same examples in every run of the same code (Hypothesis draws literals of the modules that are loaded, too), and
# nothing kept between runs: a failure in CI is the same failure here.
hypothesis.settings.register_profile("repeatable", derandomize=True, database=None, deadline=None, max_examples=60)
hypothesis.settings.load_profile("repeatable")


TERMINAL = ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


@pytest.fixture(autouse=True)
def _no_environment_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test hangs on a terminal, nor reads the state of the Pulumi backend that somebody is logged in to."""
    for name in (*TERMINAL, "PULUMI_BACKEND_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path_factory.getbasetemp() / "no-pulumi"))


@functools.cache
def _recorded(stack: str) -> Deployment:
    """Half of all tests look at a stack as it stands: one run of the program is enough for them."""
    return deploy(stack)


@pytest.fixture
def dev() -> Deployment:
    """The dev stack as it stands; each test gets a copy of its own."""
    return copy.deepcopy(_recorded("dev"))


@pytest.fixture
def prod() -> Deployment:
    """The prod stack as it stands; each test gets a copy of its own."""
    return copy.deepcopy(_recorded("prod"))


@pytest.fixture(params=["dev", "prod", "ha"])
def deployed(request: pytest.FixtureRequest) -> Deployment:
    """Every stack of the repo as it stands, one after another."""
    return copy.deepcopy(_recorded(request.param))


@pytest.fixture(params=["dev", "prod"])
def single(request: pytest.FixtureRequest) -> Deployment:
    """Every stack of the repo in which each part is one pod."""
    return copy.deepcopy(_recorded(request.param))
