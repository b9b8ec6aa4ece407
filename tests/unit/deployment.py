"""Runs the real `__main__.py` on recording mocks, with the settings of a stack file: no engine, cluster or network."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import gc
import json
import runpy
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

import pulumi
import yaml
from pulumi.runtime import mocks
from pulumi.runtime.settings import set_root_resource
from pulumi.runtime.stack import run_in_stack, wait_for_rpcs

from components.loading import PROJECT_DIR, Settings
from tests.unit.recording import Deployment, ProviderMocks, Recorder

PROJECT = "private-chatgpt"
LOCAL_CONTEXT = "kwok-unit-tests"

Changes = Mapping[str, Any]
"""What a test changes of a stack file: maps merge into it, anything else replaces, `ABSENT` takes a key away.

Keys are those of the project; one with a colon, such as `kubernetes:context`, is a full key.
"""
ABSENT: Any = object()

T = TypeVar("T")


def deploy(
    stack: str = "prod",
    changes: Changes | None = None,
    *,
    encrypted: Collection[str] = (),
    directory: Path = PROJECT_DIR,
) -> Deployment:
    """The program of `directory` run as `stack` with fresh mocks; raises what the program raises.

    `encrypted` names the keys that hold an encrypted value somewhere, such as "librechat".
    """
    deployment = attempt(stack, changes, encrypted=encrypted, directory=directory)
    if deployment.error is not None:
        raise deployment.error
    return deployment


def attempt(
    stack: str = "prod",
    changes: Changes | None = None,
    *,
    encrypted: Collection[str] = (),
    directory: Path = PROJECT_DIR,
) -> Deployment:
    """Like `deploy`, for a program that fails: its error is in the result, beside what it registered before."""
    deployment = Deployment()

    def run() -> None:
        pulumi.runtime.set_all_config(stack_config(stack, changes), _full_keys(encrypted))
        with _event_loop() as loop, _components_of(directory):
            mocks.set_mocks(ProviderMocks(), project=PROJECT, stack=stack, monitor=Recorder(deployment))
            # The mocks bring an empty stack along; the program gets one that takes its exports, as from the engine.
            loop.run_until_complete(wait_for_rpcs())
            set_root_resource(cast(Any, None))
            deployment.registrations.clear()
            deployment.component_outputs.clear()
            try:
                loop.run_until_complete(run_in_stack(lambda: _main(directory)))
            except Exception as error:
                deployment.error = error

    _apart(run, stack)
    return deployment


def load_settings(
    stack: str = "prod",
    changes: Changes | None = None,
    *,
    encrypted: Collection[str] = (),
    directory: Path = PROJECT_DIR,
) -> Settings:
    """The settings alone, from a changed stack file and the values of `directory`; raises SettingsError."""

    def load() -> Settings:
        pulumi.runtime.set_all_config(stack_config(stack, changes), _full_keys(encrypted))
        return Settings.load(pulumi.Config(), project_dir=directory)

    return _apart(load, stack)


def resolved(make: Callable[[], pulumi.Output[T]]) -> T:
    """The value of the output that `make` returns."""

    def run() -> T:
        with _event_loop() as loop:
            return cast(T, loop.run_until_complete(cast(Any, make().future())))

    return _apart(run)


def copy_project(directory: Path) -> Path:
    """A copy of what the program consists of, for tests that change a file of it; returns `directory`."""
    shutil.copy(PROJECT_DIR / "__main__.py", directory)
    for folder in ("components", "values"):
        shutil.copytree(PROJECT_DIR / folder, directory / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return directory


def stack_config(stack: str, changes: Changes | None = None) -> dict[str, str]:
    """The config of `Pulumi.<stack>.yaml`, changed, as the program finds it: text, and JSON where it has structure.

    A stack that names no context gets a local one, as from `make up`; defaults of Pulumi.yaml count, as in the engine.
    """
    project = _yaml("Pulumi.yaml")
    defaults = {f"{PROJECT}:{key}": item["default"] for key, item in project["config"].items() if "default" in item}
    config = {"kubernetes:context": LOCAL_CONTEXT} | defaults | _yaml(f"Pulumi.{stack}.yaml")["config"]
    full = {key if ":" in key else f"{PROJECT}:{key}": value for key, value in (changes or {}).items()}
    config = changed(config, full)
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}


def changed(base: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """`base` with `changes` made to it; neither is touched."""
    result = dict(base)
    for key, value in changes.items():
        if value is ABSENT:
            del result[key]
        elif isinstance(value, Mapping):
            present = result.get(key)
            result[key] = changed(present if isinstance(present, Mapping) else {}, value)
        else:
            result[key] = value
    return result


@functools.cache
def _yaml(file: str) -> Mapping[str, Any]:
    text = (PROJECT_DIR / file).read_text(encoding="utf-8")
    return cast(Mapping[str, Any], yaml.load(text, Loader=yaml.CSafeLoader))


def _full_keys(keys: Collection[str]) -> list[str]:
    return [f"{PROJECT}:{key}" for key in keys]


def _main(directory: Path) -> None:
    try:
        runpy.run_path(str(directory / "__main__.py"), run_name="__main__")
    finally:
        # __main__.py turns it off for a process that ends with the program; this one goes on.
        gc.enable()
        gc.unfreeze()


def _apart(run: Callable[[], T], stack: str = "") -> T:
    """What `run` returns or raises, run in a thread and context of its own, so that nothing of another run is there.

    asyncio has an event loop for each thread. Pulumi has config, mocks and root resource in context variables; of the
    tasks that it waits for in the end, all contexts share one set until settings are made anew.
    """

    def fresh() -> T:
        pulumi.runtime.configure(pulumi.runtime.Settings(project=PROJECT, stack=stack))
        return run()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(contextvars.copy_context().run, fresh).result()


@contextlib.contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The thread's event loop. What the loop gives to threads finds one there, too: all are closed at the end.

    Where a thread has none, Pulumi's mocks make one and never close it (sync_await.py, 3.272.0). Its error when it is
    collected is told with the help of `ast`, also in the middle of `ast.parse`, which then fails (Python 3.11.7).
    """
    loops: list[asyncio.AbstractEventLoop] = []

    def begin() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    begin()
    loops[0].set_default_executor(ThreadPoolExecutor(initializer=begin))
    try:
        yield loops[0]
    finally:
        loops[0].run_until_complete(loops[0].shutdown_default_executor())
        for loop in loops:
            loop.close()


@contextlib.contextmanager
def _components_of(directory: Path) -> Iterator[None]:
    """`components` comes from `directory`, as for Pulumi; afterwards everything is as before."""
    if directory == PROJECT_DIR:
        yield
        return
    ours = _take_components()
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path.remove(str(directory))
        _take_components()
        sys.modules.update(ours)


def _take_components() -> dict[str, Any]:
    names = [name for name in sys.modules if name.partition(".")[0] == "components"]
    return {name: sys.modules.pop(name) for name in names}
