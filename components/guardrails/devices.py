"""GPUs of an Ollama pod, by the name that nodes and quotas have for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.values import section, whole

NVIDIA, AMD = "nvidia.com/gpu", "amd.com/gpu"


def devices(values: Mapping[str, Any]) -> dict[str, int]:
    """What chart 1.77.0 adds to the container's limits, by resource; nothing where the pod runs on CPU."""
    gpu = section(values, "ollama", "gpu")
    if not gpu.get("enabled"):
        return {}
    if gpu.get("type") == "amd":
        return {AMD: whole(gpu.get("number"), 1)}
    if section(gpu, "mig").get("enabled"):
        # In place of nvidiaResource and number, says the chart.
        return {f"nvidia.com/mig-{name}": whole(count, 1) for name, count in section(gpu, "mig", "devices").items()}
    return {str(gpu.get("nvidiaResource") or NVIDIA): whole(gpu.get("number"), 1)}
