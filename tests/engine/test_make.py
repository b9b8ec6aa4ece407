"""The make targets that README names, in a checkout of their own."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import CoreV1Api

from components.charts import OLLAMA
from local.contents import connect
from tests.engine.chart_servers import chart_repository, package_stand_ins
from tests.engine.checkouts import Checkout, check_out, run
from tests.engine.kube import is_ready
from tests.engine.test_local_cluster import Trap, users_kubeconfig

CIPHERTEXT = "v1:bm9ib2R5J3Mga2V5:bm9ib2R5IGNhbiByZWFkIHRoaXM="


@pytest.fixture(scope="module")
def users_cluster() -> Trap:
    return Trap()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, users_cluster: Trap) -> Checkout:
    folder = tmp_path_factory.mktemp("check out")
    return check_out(folder, tmp_path_factory.mktemp("home"), users_kubeconfig(users_cluster.port))


@pytest.fixture
def checkout(clone: Checkout) -> Iterator[Checkout]:
    """A checkout without any change."""
    assert clone.changed_files() == ""
    yield clone
    clone.restore()


def test_make_up_deploys_on_a_local_cluster_and_make_down_undoes_it(checkout: Checkout, users_cluster: Trap) -> None:
    try:
        up = checkout.make("up")
        assert up.returncode == 0, up.stdout + up.stderr
        with connect(checkout.folder / ".local" / "kubeconfig") as api:
            pods: list[Any] = CoreV1Api(api).list_pod_for_all_namespaces().items
        assert {pod.metadata.namespace for pod in pods} == {"ollama", "librechat"}
        assert len(pods) == 4 and all(is_ready(pod) for pod in pods)

        assert "SIMULATED nodes: its pods run no containers" in up.stdout
        assert "using STAND-IN charts from local/charts" in up.stdout
        shown = up.stdout[up.stdout.index("What runs where (simulated: no container runs)") :]
        for pod in pods:
            (line,) = [line for line in shown.splitlines() if pod.metadata.name in line]
            assert [cell.strip() for cell in line.split("│")[1:-1]] == [
                pod.metadata.namespace, pod.metadata.name, "cpu-node", "yes"
            ]  # fmt: skip
        for said in ("URL     http://localhost:3080", "Models  llama3.2:1b", "(STAND-IN)", "make down"):
            assert said in shown
        assert checkout.changed_files() == ""
        assert checkout.processes()

        dev = checkout.folder / "Pulumi.dev.yaml"
        document = yaml.safe_load(dev.read_text())
        document["config"]["private-chatgpt:protect"] = True
        dev.write_text(yaml.safe_dump(document))
        refused = checkout.make("down")
        assert refused.returncode != 0 and "Stack dev is protected: nothing was deleted" in refused.stderr
        assert checkout.processes() and (checkout.folder / ".local" / "state").exists()
    finally:
        checkout.restore()
        down = checkout.make("down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert checkout.processes() == []
    assert not (checkout.folder / ".local").exists()
    assert checkout.changed_files() == ""
    assert checkout.kubeconfig.read_text() == users_kubeconfig(users_cluster.port)
    assert [path for path in checkout.home.rglob("*") if path.is_file()] == [checkout.kubeconfig]
    assert users_cluster.contacts == 0


def test_every_stack_can_be_previewed_without_a_kubeconfig_and_no_secret_is_shown(
    checkout: Checkout, tmp_path: Path
) -> None:
    dev = checkout.folder / "Pulumi.dev.yaml"
    document = yaml.safe_load(dev.read_text())
    document["config"]["private-chatgpt:librechat"]["secretEnv"] = {"OPENAI_API_KEY": {"secure": CIPHERTEXT}}
    dev.write_text(yaml.safe_dump({"encryptionsalt": "v1:bm9ib2R5J3Mgc2FsdA==", **document}))
    checkout.kubeconfig.rename(tmp_path / "elsewhere")
    try:
        with chart_repository(package_stand_ins(tmp_path / "packages")) as repository:
            done = checkout.make("preview-stacks", f"CHARTS={repository.address}", environment={"KUBECONFIG": None})
    finally:
        (tmp_path / "elsewhere").rename(checkout.kubeconfig)
    assert done.returncode == 0, done.stderr
    # LibreChat's chart is not loaded as long as its keys are to be generated: the values aren't known.
    assert f"/{OLLAMA.name}-{OLLAMA.version}.tgz" in repository.requests

    _, *stacks = done.stdout.split("# Stack ")
    assert [stack.partition(":")[0] for stack in stacks] == ["dev", "ha", "prod"]
    for stack in stacks:
        resources = yaml.safe_load(stack.partition("\n")[2])
        secrets = {name: item for name, item in resources.items() if name.startswith("kubernetes:core/v1:Secret ")}
        assert len(secrets) == (4 if stack.startswith("ha:") else 3)
        assert {item["stringData"] for item in secrets.values()} == {"[secret]"}
        assert "APP_TITLE" in resources["kubernetes:helm.sh/v3:Release librechat"]["values"]["librechat"]["configEnv"]
    printed = done.stdout + done.stderr
    assert [text for text in (CIPHERTEXT, "placeholder", "OPENAI_API_KEY") if text in printed] == []


@pytest.fixture
def backend(checkout: Checkout, tmp_path: Path) -> dict[str, str | None]:
    """The environment of a user who has just initialised the stack dev in a backend of their own."""
    variables = {
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_CONFIG_PASSPHRASE": "a test",
        "PULUMI_HOME": str(tmp_path / "pulumi-home"),
    }
    # The toolchain is on the PATH of these tests, but not on that of the user who calls make.
    initialised = run(["pulumi", "stack", "init", "dev"], checkout.folder, {**os.environ, **variables})
    assert initialised.returncode == 0, initialised.stderr
    return {**variables, "https_proxy": None}


@pytest.mark.parametrize("target", ["preview", "up", "down", "recover"])
def test_a_stack_that_names_no_context_is_an_error(
    checkout: Checkout, backend: dict[str, str | None], target: str
) -> None:
    done = checkout.make(target, "STACK=dev", environment=backend)
    assert done.returncode != 0
    assert "Pulumi.dev.yaml: kubernetes:context is missing" in done.stdout + done.stderr
    assert "pulumi config set kubernetes:context NAME" in done.stdout + done.stderr
    assert "error: no resources" not in done.stdout + done.stderr and "Destroying" not in done.stdout


def test_what_was_left_behind_of_a_stack_stops_make_up_and_make_recover_shows_it(
    checkout: Checkout, backend: dict[str, str | None], tmp_path: Path
) -> None:
    dev = checkout.folder / "Pulumi.dev.yaml"
    document = yaml.safe_load(dev.read_text())
    document["config"]["kubernetes:context"] = "nowhere"
    dev.write_text(yaml.safe_dump(document))
    (file,) = tmp_path.glob(".pulumi/stacks/*/dev.json")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])

    up = checkout.make("up", "STACK=dev", environment=backend)
    assert up.returncode != 0 and "make recover STACK=dev" in up.stderr
    assert "Updating" not in up.stdout, "pulumi was not started"
    down = checkout.make("down", "STACK=dev", environment=backend)
    assert down.returncode != 0 and "make recover STACK=dev" in down.stderr
    assert "Destroying" not in down.stdout
    found = checkout.make("recover", "STACK=dev", environment=backend)
    assert found.returncode != 0 and "whole copy" in found.stdout and "--yes" in found.stderr, found
    assert file.read_bytes() == whole[: len(whole) // 2], "nobody was there to be asked"


def test_a_preview_that_names_no_stack_lists_them(checkout: Checkout) -> None:
    done = checkout.make("preview")
    assert done.returncode == 2
    assert "make preview STACK=<name>" in done.stderr
    assert {"dev", "ha", "prod"} <= set(done.stderr.replace("(", " ").replace(")", " ").split())
