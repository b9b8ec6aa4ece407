"""What every app of a stack shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from components.charts import Chart, ChartLocation, ChartNotFoundError, ChartSource
from components.contracts import contract_faults
from components.faults import Fault, SettingsError
from components.images import Images
from components.provenance import Sources
from components.rollback import Rollback
from components.served import Served
from components.settings import AccessSettings, DriftSettings, NetworkSettings, OwnerSettings, PreflightSettings
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
    drift: DriftSettings = field(default_factory=DriftSettings)
    namespaces: Mapping[str, str] = field(default_factory=dict)
    """Those of the stack's own apps, by release, in the order in which they are made."""
    network: NetworkSettings = field(default_factory=NetworkSettings)
    access: AccessSettings = field(default_factory=AccessSettings)
    owner: OwnerSettings = field(default_factory=OwnerSettings)
    team: str | None = None
    served: Served | None = None
    """Where LibreChat finds its models; None only where a stack has no usable part."""
    images: Images = field(default_factory=Images)
    rollback: Rollback | None = None
    """Set in a run that `python -m ops rollback` started."""

    def rolls_back(self, release: str) -> bool:
        """Whether this run is a rollback of that release."""
        return self.rollback is not None and self.rollback.release == release

    def deployed_values(self, release: str, values: Values) -> Values:
        """What this run gives the release: `values`, or in a rollback of it those of the earlier revision."""
        rollback = self.rollback
        return rollback.in_place_of(values) if rollback and self.rolls_back(release) else values

    def values(self, app: str) -> Values:
        """What the values files say of `app`, and where its images come from; empty where there is neither."""
        return self.images.over(app, merged(self.files.get(app, ())))

    def app_file(self, app: str) -> Values:
        """What the app's own configuration file says."""
        return merged(self.app_files.get(app, ()))

    def models_for(self, app: str) -> Served:
        """Where an app finds its models; raises SettingsError where the stack has none, which was checked before."""
        if self.served is None:
            raise SettingsError(self.stack, [Fault("ollama", f"is missing, and {app} needs models")])
        return self.served

    def value_faults(self, app: str, chart: Chart, values: Values, override: Values | None = None) -> list[Fault]:
        """What is wrong with an app's final `values`; `override` is the stack file's part.

        What the chart would ignore or refuse, and images that come from elsewhere than the stack says.
        """
        sources = self.sources(app, override)
        contracts = self.project_dir / "values" / "contracts"
        return [*contract_faults(chart, values, sources, contracts), *self.images.faults(values, sources)]

    def sources(self, app: str, override: Values | None = None) -> Sources:
        """Where an app's values come from, for errors to name it; `override` is the stack file's part."""
        return Sources(
            app=app,
            files=self.files.get(app, ()),
            override=override or {},
            stack_file=self.project_dir / f"Pulumi.{self.stack}.yaml",
            project=self.project,
        )

    def locate(self, chart: Chart) -> ChartLocation:
        """Where `chart` comes from in this stack; raises SettingsError where its source does not hold it."""
        try:
            return self.charts.locate(chart)
        except ChartNotFoundError as error:
            raise SettingsError(self.stack, [Fault("charts", str(error))]) from error
