"""Installs the programs of programs.toml: `python3 toolchain/install.py [--group deploy --group cluster …]`.

Needs Python 3.11 and nothing else to start; Go and a Go module proxy where official releases can't be had.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if not __package__:  # run as a script, from anywhere
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from toolchain.programs import GROUPS, TABLE, TableError, load
from toolchain.store import Store


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 when every program asked for is there, 1 when one can't be had, 128 + N after signal N."""
    parser = argparse.ArgumentParser(description="Puts the programs this project runs into a folder of the user's.")
    parser.add_argument("--group", action="append", choices=GROUPS, help="only programs of this group (repeatable)")
    parser.add_argument("--print-bin", action="store_true", help="print the folder for PATH, install nothing")
    parser.add_argument("--programs", type=Path, default=TABLE, help="another table of programs (default: %(default)s)")
    options = parser.parse_args(arguments)
    store = Store.of_user()
    try:
        programs = load(options.programs)
    except (OSError, ValueError, TableError) as error:
        print(error, file=sys.stderr)
        return 1
    if options.print_bin:
        print(store.bin(programs))
        return 0
    from toolchain.obtain import run  # what --print-bin, run by make again and again, shouldn't wait for

    return run(store, programs, options.group or GROUPS)


if __name__ == "__main__":
    sys.exit(main())
