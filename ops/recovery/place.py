"""Where a stack lives: its project, its engine's environment, its cluster."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from components.platform import Platform
from ops.environment import kubeconfig_for


@dataclass(frozen=True)
class Place:
    """One stack as Pulumi and helm are to be called for it."""

    stack: str
    project: str
    project_dir: Path
    """Holds the Pulumi.yaml and the stack file."""
    context: str
    """The kubeconfig context that the stack names."""
    kubeconfig: Path | None = None
    """None for the file that kubectl would take."""
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    """What Pulumi is told by environment variables: its home, its backend, the passphrase, the kubeconfig."""

    @staticmethod
    def of(platform: Platform, kubeconfig: Path | None, project_dir: Path) -> Place:
        """Where a stack is; Pulumi is told of the kubeconfig, too."""
        environment = {**os.environ, **kubeconfig_for(kubeconfig)}
        return Place(platform.stack, platform.project, project_dir, platform.context, kubeconfig, environment)

    @property
    def home(self) -> Path:
        """Where Pulumi keeps who is logged in where."""
        return Path(self.environment.get("PULUMI_HOME") or Path.home() / ".pulumi")

    def folder(self) -> Path | None:
        """The folder of a backend such as `file:///srv/state`, `file://~` or `file://./state`; None of any other."""
        parts = urlsplit(self.backend())
        return Path(f"{parts.netloc}{parts.path}").expanduser() if parts.scheme == "file" else None

    def backend(self) -> str:
        """The URL of the backend, found as Pulumi finds it; empty where that can't be told."""
        if url := self.environment.get("PULUMI_BACKEND_URL"):
            return url
        try:
            project = yaml.safe_load((self.project_dir / "Pulumi.yaml").read_text(encoding="utf-8")) or {}
            if url := (project.get("backend") or {}).get("url"):
                return str(url)
            return str(json.loads((self.home / "credentials.json").read_text(encoding="utf-8")).get("current") or "")
        except (OSError, ValueError, yaml.YAMLError):
            return ""
