"""The emulator as one program: ``python -m emulator COMMAND``."""

import argparse
from collections.abc import Callable, Sequence
import sys
from typing import cast

from emulator.meter import cli as meter
from emulator.serve import cli as serve

COMMANDS = (meter, serve)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command named on the command line; its exit status: 2 on a wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m emulator", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.register(commands)
    arguments = parser.parse_args(argv)
    run = cast("Callable[[argparse.Namespace], int]", arguments.run)
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
