"""What programs of ours need in their environment to run Pulumi, whether by make or by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

NO_PULUMI = "pulumi is not on PATH; run `make toolchain` and use the make targets"


def kubeconfig_for(file: Path | None) -> dict[str, str]:
    """What tells programs of the file, whichever folder they run in; nothing where there is none."""
    return {"KUBECONFIG": str(file.resolve())} if file else {}


def loopback_without_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """The exceptions from proxies of an environment, and loopback.

    gRPC, by which engine and program talk, goes through https_proxy even to 127.0.0.1 unless told otherwise.
    """
    excepted = [environment.get("no_proxy"), environment.get("NO_PROXY"), "127.0.0.1", "localhost"]
    return dict.fromkeys(("no_proxy", "NO_PROXY"), ",".join(filter(None, excepted)))
