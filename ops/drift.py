"""`python -m ops drift --stack STACK`: what somebody changed inside a stack's releases, field by field.

Writes nothing. Exit code 0: all is as declared. 2: something isn't. 1: it could not be told.
"""

from __future__ import annotations

from components.loading import PROJECT_DIR
from ops.drift_reading.asking import exit_code, look, parser, reached, repeated, say, settings_of


def main(arguments: list[str]) -> int:
    """Print what differs; returns the exit code."""
    options = parser("drift", __doc__).parse_args(arguments)

    def once() -> int:
        from ops.backend import Backend

        settings = settings_of(options.stack)
        with reached(settings, options.kubeconfig) as api:
            found = look(api, settings, options.release, Backend(options.stack, PROJECT_DIR))
        say(found, as_json=options.json, watched=options.watch is not None)
        return exit_code(found.reports)

    return repeated(options, once)
