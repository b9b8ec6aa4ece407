"""What every app of a stack shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.charts import Chart, ChartLocation, ChartNotFoundError, ChartSource
from components.contracts import contract_faults
from components.faults import Fault, SettingsError
from components.provenance import Sources
from components.settings import PreflightSettings
from components.values import Values, ValuesFile, merged


@dataclass(frozen=True)
class Platform:
    """Names, guardrails, chart source and values files of one stack."""

    project: str
    stack: str
    context: str
    """The kubeconfig context that the stack names."""
    protect: bool
    charts: ChartSource
    files: Mapping[str, tuple[ValuesFile, ...]]
    """Helm values by app: values/<app>.yaml and values/<app>.<stack>.yaml."""
    app_files: Mapping[str, tuple[ValuesFile, ...]]
    """The apps' own configuration files, from values/app/."""
    further: Mapping[str, Chart]
    """Further apps by name, whose values were checked with those of the stack's own."""
    preflight: PreflightSettings
    project_dir: Path
    """Where the stack files, values and contracts lie, for the places that errors name."""

    def values(self, app: str) -> Values:
        """What the values files say of `app`; empty where there is none."""
        return merged(self.files.get(app, ()))

    def app_file(self, app: str) -> Values:
        """What the app's own configuration file says."""
        return merged(self.app_files.get(app, ()))

    def value_faults(self, app: str, chart: Chart, values: Values, override: Values | None = None) -> list[Fault]:
        """What the chart would ignore or refuse in an app's final `values`; `override` is the stack file's part."""
        sources = Sources(
            app=app,
            files=self.files.get(app, ()),
            override=override or {},
            stack_file=self.project_dir / f"Pulumi.{self.stack}.yaml",
            project=self.project,
        )
        return contract_faults(chart, values, sources, self.project_dir / "values" / "contracts")

    def locate(self, chart: Chart) -> ChartLocation:
        """Where `chart` comes from in this stack; raises SettingsError where its source does not hold it."""
        try:
            return self.charts.locate(chart)
        except ChartNotFoundError as error:
            raise SettingsError(self.stack, [Fault("charts", str(error))]) from error
