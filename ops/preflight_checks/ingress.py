"""Check `ingressClass`: whether somebody will serve the Ingress."""

from __future__ import annotations

from collections.abc import Iterator

from ops.diagnosis.objects import annotation, name
from ops.diagnosis.words import in_setting
from ops.preflight_checks.findings import Said, fails, well
from ops.preflight_checks.view import View

DEFAULT = "ingressclass.kubernetes.io/is-default-class"
OLD_FORM = "kubernetes.io/ingress.class"
"""Names a class that need not be there as an object: the controller looks for it by itself."""


def ingress_class(view: View) -> Iterator[Said]:
    """Whether the class of every Ingress is there."""
    ingresses = [item for item in view.manifests if item["kind"] == "Ingress"]
    if not ingresses:
        yield well("no Ingress is made")
        return
    classes = view.all("ingressclasses")
    default = [name(item) for item in classes if annotation(item, DEFAULT) == "true"]
    listed = ", ".join(f"{name(item)}{' (default)' if name(item) in default else ''}" for item in classes) or "none"
    setting = in_setting(view.rendered.release.name, "ingressClass")
    for item in ingresses:
        wanted = item["spec"].get("ingressClassName")
        if wanted is None and (old := annotation(item, OLD_FORM)):
            yield well(f"Ingress {name(item)} names its class {old} by annotation")
        elif wanted is None and not default:
            yield fails(
                f"Ingress {name(item)} names no IngressClass, and none is the default; there is: {listed}",
                f"Name one{setting}, or mark one as default with the annotation {DEFAULT}; where there is none, "
                "install an ingress controller",
            )
        elif wanted is not None and wanted not in {name(each) for each in classes}:
            yield fails(
                f"Ingress {name(item)} asks for the IngressClass {wanted}, which is not there; there is: {listed}",
                f"Name one of these{setting}, or install the ingress controller that it belongs to",
            )
        else:
            yield well(f"Ingress {name(item)}: IngressClass {wanted or default[0]}")
