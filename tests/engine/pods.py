"""What a pod's container finds when it starts: environment and files, put together as a kubelet would."""

from __future__ import annotations

import base64
from typing import Any

from kubernetes.client import ApiException, CoreV1Api

from tests.engine.stacks import Stack


class Pod:
    """A pod as its template describes it: what its first container sees."""

    def __init__(self, stack: Stack, workload: Any) -> None:
        self.core = CoreV1Api(stack.api)
        self.namespace = stack.librechat
        self.generation: int = workload.metadata.generation
        self.spec = workload.spec.template.spec
        self.container = self.spec.containers[0]

    def environment(self) -> dict[str, str]:
        """Later sources win over earlier ones, and `env` wins over `envFrom`."""
        found: dict[str, str] = {}
        for source in self.container.env_from or []:
            reference = source.config_map_ref or source.secret_ref
            data = self._data(source.secret_ref is not None, reference.name, optional=bool(reference.optional))
            found |= {f"{source.prefix or ''}{key}": text for key, text in data.items()}
        for variable in self.container.env or []:
            assert "$(" not in (variable.value or ""), "not resolved by this test"
            found[variable.name] = (
                self._referenced(variable.value_from) if variable.value_from else variable.value or ""
            )
        return found

    def file(self, path: str) -> str:
        """What stands in a file that is mounted from a ConfigMap or a Secret."""
        for mount in self.container.volume_mounts:
            below = path == mount.mount_path if mount.sub_path else path.startswith(f"{mount.mount_path}/")
            if below:
                volume = next(item for item in self.spec.volumes if item.name == mount.name)
                name = volume.secret.secret_name if volume.secret else volume.config_map.name
                key = mount.sub_path or path.removeprefix(f"{mount.mount_path}/")
                return self._data(volume.secret is not None, name)[key]
        raise AssertionError(f"nothing is mounted at {path}")

    def _referenced(self, source: Any) -> str:
        reference = source.secret_key_ref
        assert reference and not reference.optional, "a container starts without what is optional"
        return self._data(True, reference.name)[reference.key]

    def _data(self, secret: bool, name: str, *, optional: bool = False) -> dict[str, str]:
        read: Any = self.core.read_namespaced_secret if secret else self.core.read_namespaced_config_map
        try:
            found = read(name, self.namespace).data or {}
        except ApiException as error:
            if optional and error.status == 404:
                return {}
            raise
        return {key: base64.b64decode(text).decode() if secret else text for key, text in found.items()}
