"""Parts that run more than one pod: what they need to agree with each other, and what has to be there for it.

Everything here follows from the final Helm values (`values/*.ha.yaml`); without replicas nothing of it exists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components import ports
from components.charts import LIBRECHAT, OLLAMA
from components.faults import Fault
from components.keys import hex_password, resource_name
from components.provenance import KeyPath, Sources, dotted
from components.values import Values, dig, section, whole

REPLICA_SET_KEY, REDIS_PASSWORD = "MONGODB_REPLICA_SET_KEY", "REDIS_PASSWORD"
KEY_LENGTHS = {REPLICA_SET_KEY: 64, REDIS_PASSWORD: 32}
"""Hex characters of the keys that are generated only where there is a replica set, or a Redis."""
MONGODB_KEY, REDIS_KEY = "mongodb-replica-set-key", "redis-password"
"""Keys of the Secrets, whose names the charts decide."""
SHARED = "ReadWriteMany"
OF_MODELS = (SHARED, "ReadOnlyMany")
"""What a volume of models may be that several nodes mount."""
MAX_REPLICAS = 100
"""Pods that an autoscaler may start where the values name no maxReplicas (ollama 1.77.0, librechat 2.0.7)."""


@dataclass(frozen=True)
class Shared:
    """What LibreChat's pods share, as far as it is part of the release."""

    members: int = 0
    """Pods of MongoDB's replica set; 0 where MongoDB is one pod by itself."""
    replica_set: str = ""
    redis: bool = False

    @staticmethod
    def of(values: Mapping[str, Any]) -> Shared:
        """From the values of the LibreChat chart, those of the values files and of the stack file together."""
        mongodb = section(values, "mongodb")
        replicated = mongodb.get("enabled") and mongodb.get("architecture") == "replicaset"
        return Shared(
            whole(mongodb.get("replicaCount"), 2) if replicated else 0,
            str(mongodb.get("replicaSetName") or "rs0") if replicated else "",
            bool(section(values, "redis").get("enabled")),
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the keys that have to be generated for it."""
        return (*([REPLICA_SET_KEY] if self.members else []), *([REDIS_PASSWORD] if self.redis else []))

    @property
    def variables(self) -> tuple[str, ...]:
        """LibreChat's secret environment for it."""
        return ("REDIS_URI",) if self.redis else ()

    def mongodb(self, name: str) -> tuple[str, str]:
        """Where a client finds MongoDB: `host:port` of each member, and what the URI ends with."""
        if not self.members:
            return f"{name}-mongodb:{ports.MONGODB}", ""
        hosts = (f"{name}-mongodb-{number}.{name}-mongodb-headless:{ports.MONGODB}" for number in range(self.members))
        return ",".join(hosts), f"?replicaSet={self.replica_set}"

    def secret_names(self, name: str) -> tuple[str, ...]:
        """The Secrets that the stack makes for it, besides the three of every LibreChat."""
        return (redis_secret(name),) if self.redis else ()


def redis_secret(name: str) -> str:
    """The Secret that holds Redis' password and nothing else."""
    return f"{name}-redis-credentials"


def make_shared_keys(name: str, shared: Shared, opts: pulumi.ResourceOptions) -> dict[str, pulumi.Output[str]]:
    """The keys that `shared` needs, by name, all secret."""
    return {key: hex_password(resource_name(name, key), KEY_LENGTHS[key], opts) for key in shared.keys}


def redis_uri(name: str, keys: Mapping[str, pulumi.Output[str]]) -> pulumi.Output[str]:
    """Where LibreChat finds Redis, password included; the chart's own URI has none."""
    return keys[REDIS_PASSWORD].apply(lambda password: f"redis://:{password}@{name}-redis-master:{ports.REDIS}")


def redis_values(name: str, checksums: Mapping[str, pulumi.Input[str]]) -> Values:
    """What the Redis chart is told: its Secret, and a checksum that restarts it when that changes."""
    secret = redis_secret(name)
    return {
        "auth": {"enabled": True, "existingSecret": secret, "existingSecretPasswordKey": REDIS_KEY},
        "master": {"podAnnotations": {"checksum/credentials": checksums[secret]}},
    }


def replica_faults(values: Mapping[str, Values], sources: Mapping[str, Sources]) -> Iterator[Fault]:
    """What would break in silence with more than one pod; `values` are the final ones, both by release."""
    if OLLAMA.name in values:
        yield from _of_ollama(values[OLLAMA.name], sources[OLLAMA.name])
    if LIBRECHAT.name in values:
        yield from _of_librechat(values[LIBRECHAT.name], sources[LIBRECHAT.name])


def _of_ollama(values: Values, sources: Sources) -> Iterator[Fault]:
    volume = section(values, "persistentVolume")
    # Of a claim that is there already the chart reads no access mode: whoever made it knows.
    made = volume.get("enabled") and not volume.get("existingClaim")
    if several(values) and made and not set(OF_MODELS) & set(volume.get("accessModes") or ()):
        yield _fault(
            values,
            sources,
            "the pods would wait for one volume that a single node may mount; allowed: 1, "
            f"persistentVolume.accessModes [{' or '.join(OF_MODELS)}], persistentVolume.existingClaim with one that "
            "many nodes may mount (docs/high_availability.md), or a volume for each pod (values/ollama.ha.yaml)",
        )


def _of_librechat(values: Values, sources: Sources) -> Iterator[Fault]:
    if not several(values):
        return
    env = section(values, "librechat", "configEnv")
    if not section(values, "redis").get("enabled") and env.get("USE_REDIS") != "true":
        yield _fault(
            values,
            sources,
            "each pod would keep sessions and streams for itself; allowed: 1, or redis.enabled true (or USE_REDIS in "
            "librechat.env and REDIS_URI in librechat.secretEnv)",
        )
    images = section(values, "librechat", "imageVolume")
    if images.get("enabled") and images.get("accessModes") != SHARED:
        yield _fault(
            values,
            sources,
            "the pods would wait for one image volume that a single node may mount; allowed: 1, "
            f"librechat.imageVolume.accessModes {SHARED}, or librechat.imageVolume.enabled false with an object store",
        )


def several(values: Mapping[str, Any]) -> bool:
    """Whether a chart's Deployment may have more than one pod."""
    return most(values)[1] > 1


def most(values: Mapping[str, Any]) -> tuple[KeyPath, int]:
    """The pods that a chart's Deployment may have, as of both charts, and the key that says so."""
    found: dict[KeyPath, int] = {("replicaCount",): whole(values.get("replicaCount"), 1)}
    autoscaling = section(values, "autoscaling")
    if autoscaling.get("enabled"):
        found["autoscaling", "maxReplicas"] = whole(autoscaling.get("maxReplicas"), MAX_REPLICAS)
    return max(found.items(), key=lambda item: item[1])


def _fault(values: Values, sources: Sources, text: str) -> Fault:
    path, count = most(values)
    # A maxReplicas that only the chart names is on no line of ours, but the map is that turns it on.
    place = sources.origin(path if dig(values, *path) is not None else path[:1]).place
    return Fault(None, f"{place}: {dotted(path)} found {count}, but {text}")
