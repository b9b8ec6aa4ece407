"""`make preview-stacks`: what every stack consists of, without a cluster, its state, or anybody's credentials.

Runs `pulumi preview` against an empty state and writes each resource's inputs as YAML, in a stable order: the
difference of two commits' output is what a change does to each stack.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from components import stack_file
from components.faults import SettingsError
from components.loading import PROJECT_DIR, Settings
from local.engine import Engine, EngineError

CONTEXT = "no-cluster"
"""Named for stacks that name no context yet: a preview without a kubeconfig never looks it up."""
# The engine's mark of a value that is known only after `up` (sdk/go/common/resource/plugin/rpc.go).
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def main() -> int:
    """Preview every stack file; returns 0, or 1 where one failed (the others are still made)."""
    parser = argparse.ArgumentParser(prog="python -m local.preview", description=__doc__)
    parser.add_argument("--out", type=Path, help="write <stack>.yaml there, instead of to the screen")
    parser.add_argument("--charts", help="take charts from there instead of from where the stack says")
    options = parser.parse_args()
    failed = False
    for stack in stack_file.stacks(PROJECT_DIR):
        try:
            text = preview(stack, options.charts)
        except EngineError as error:
            failed = True
            print(f"{stack}: {error}", file=sys.stderr)
            continue
        if options.out is None:
            print(text)
        else:
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / f"{stack}.yaml").write_text(text, encoding="utf-8")
            print(f"{stack}: {options.out / stack}.yaml")
    return int(failed)


def preview(stack: str, charts: str | None = None) -> str:
    """Every resource of the stack and its inputs, secrets masked; raises EngineError with what Pulumi printed."""
    source = PROJECT_DIR / f"Pulumi.{stack}.yaml"
    config = (yaml.safe_load(source.read_text(encoding="utf-8")) or {}).get("config") or {}
    overrides = {} if config.get("kubernetes:context") else {"kubernetes:context": CONTEXT}
    if charts:
        overrides["private-chatgpt:charts"] = charts
    overrides |= without_other_stacks(stack)
    with tempfile.TemporaryDirectory() as directory:
        engine = Engine(Path(directory), kubeconfig=Path(directory) / "no-kubeconfig")
        engine.prepare(stack, overrides)
        done = engine.run("preview", stack, "--json", check=False)
    result = json.loads(done.stdout) if done.stdout.startswith("{") else {}
    if done.returncode:
        errors = [found["message"].strip() for found in result.get("diagnostics", []) if found["severity"] == "error"]
        raise EngineError("\n".join(errors) or f"{done.stdout}{done.stderr}")
    steps = result["steps"]
    resources = {_name(step["urn"]): _readable(step["newState"].get("inputs", {})) for step in steps}
    dumped = yaml.dump(resources, Dumper=_Dumper, sort_keys=True, width=1000, allow_unicode=True)
    return f"# Stack {stack}: {len(resources)} resources, against an empty state\n{dumped}"


def without_other_stacks(stack: str) -> dict[str, Any]:
    """Config that names another stack's Ollama by its address, since the empty state has no other stack."""
    try:
        settings = Settings.of_stack(stack, PROJECT_DIR, CONTEXT)
    except SettingsError:
        return {}  # The preview says what is wrong with them.
    served = settings.platform.served
    if served is None or served.own or not served.release:
        return {}
    shared = {"url": served.url, "models": list(served.models), "namespace": served.namespace}
    return {"private-chatgpt:sharedOllama": shared}


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines, such as librechat.yaml, as such."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text.rstrip("\n") else None
    ),
)


def _name(urn: str) -> str:
    _, _, kinds, name = urn.split("::", 3)
    return f"{kinds.rsplit('$', 1)[-1]} {name}"


def _readable(value: Any) -> Any:
    """The value with what only `up` can tell named as such."""
    if isinstance(value, dict):
        return {key: _readable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_readable(item) for item in value]
    return "<known after up>" if value == UNKNOWN else value


if __name__ == "__main__":
    sys.exit(main())
