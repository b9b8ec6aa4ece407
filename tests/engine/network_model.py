"""Who may connect to whom, as cyclonus works it out from the NetworkPolicies of a stack: no cluster, no packets."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Port = tuple[int, str]

PORTS = {(number, "TCP") for number in (80, 443, 3080, 6379, 7700, 11434, 27017)}
"""Asked about in any case: what the stack's pods serve, and the web."""
UNNAMED = 8081
"""From here on up, the first port that no policy names stands for all of those."""


@dataclass(frozen=True)
class Host:
    """A pod, or an address outside the cluster, which is modelled as a pod of a namespace of its own."""

    namespace: str
    name: str
    labels: Mapping[str, str]
    address: str

    @property
    def key(self) -> str:
        """As in the tables."""
        return f"{self.namespace}/{self.name}"


def allowed(policies: Sequence[Mapping[str, Any]], hosts: Sequence[Host], directory: Path) -> list[str]:
    """Every connection that is allowed, as `from -> to  port/protocol`, sorted."""
    folder, model_file = directory / "policies", directory / "model.json"
    folder.mkdir(parents=True)
    for number, policy in enumerate(policies):
        (folder / f"{number}.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")
    found: list[str] = []
    ports = ports_of(policies)
    for port, protocol in ports:
        model_file.write_text(json.dumps(_model(hosts, port, protocol, ports)), encoding="utf-8")
        line = ["cyclonus", "analyze", "--mode", "probe", "-v", "error"]
        line += ["--policy-path", str(folder), "--probe-path", str(model_file)]
        done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=60)
        found += [f"{source} -> {target}  {port}/{protocol}" for source, target in _open(done.stdout, hosts)]
    return sorted(found)


def ports_of(policies: Sequence[Mapping[str, Any]]) -> list[Port]:
    """Every port that tells connections apart: those that a policy names, and one that none names.

    Raises ValueError where a policy names ports in a way that a list of single ones can't stand for.
    """
    rules = [
        rule
        for policy in policies
        for direction in ("ingress", "egress")
        for rule in policy["spec"].get(direction) or ()
    ]
    entries = [entry for rule in rules for entry in rule.get("ports") or ()]
    for entry in entries:
        if "endPort" in entry or not isinstance(entry.get("port", 0), int):
            raise ValueError(f"the table can't hold a range of ports, or the name of one: {entry}")
    named = {(entry["port"], entry.get("protocol", "TCP")) for entry in entries if "port" in entry}
    free = next(number for number in range(UNNAMED, 65536) if number not in {number for number, _ in named})
    return sorted(PORTS | named | {(free, "TCP"), (free, "UDP")})


def _model(hosts: Sequence[Host], port: int, protocol: str, ports: Sequence[Port]) -> dict[str, Any]:
    served = [{"Name": f"port-{number}-{kind.lower()}", "Port": number, "Protocol": kind} for number, kind in ports]
    return {
        "Probes": [{"Protocol": protocol, "Port": port}],
        "Resources": {
            "Namespaces": {host.namespace: {"kubernetes.io/metadata.name": host.namespace} for host in hosts},
            "Pods": [
                {
                    "Namespace": host.namespace,
                    "Name": host.name,
                    "Labels": dict(host.labels),
                    "IP": host.address,
                    "Containers": served,
                }
                for host in hosts
            ],
        },
    }


def _open(printed: str, hosts: Sequence[Host]) -> Iterator[tuple[str, str]]:
    """The pairs with a dot in the table headed `Combined`; raises ValueError where a pair is missing in it."""
    table = printed.partition("Combined:\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]
    header, *body = rows
    names = {host.key.upper(): host.key for host in hosts}
    if {row[0] for row in body} != set(names.values()) or set(header[1:]) != set(names):
        raise ValueError(f"cyclonus tells of other pods than it was asked about:\n{table}")
    for source, *cells in body:
        for target, cell in zip(header[1:], cells, strict=True):
            if cell not in (".", "X"):
                raise ValueError(f"cyclonus says {cell!r} of {source} and {target}")
            if cell == "." and source != names[target]:
                yield source, names[target]
