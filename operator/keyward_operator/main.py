"""The console script keyward-operator."""

import asyncio
import logging
import sys
from collections.abc import Callable, Sequence

from keyward_operator import logs, print_iam
from keyward_operator.errors import OperatorError
from keyward_operator.explain import command
from keyward_operator.options import Options, parse
from keyward_operator.program import Program

COMMANDS: dict[str, Callable[[Sequence[str]], None]] = {
    command.COMMAND: command.explain,
    print_iam.COMMAND: print_iam.print_iam,
}

logger = logging.getLogger(__name__)


def main() -> None:
    """Run the operator, or one of its commands. Ends with status 1 and a line that says why where it cannot go on."""
    if sys.argv[1:2] and sys.argv[1] in COMMANDS:
        _command(sys.argv[1], sys.argv[2:])
        return
    options = parse()
    logs.configure(options.log_level)
    try:
        asyncio.run(_run(options))
    except (OperatorError, OSError) as error:
        logger.error("ended: %s", error)
        sys.exit(1)
    except Exception:  # a defect: told as a log line like all else, with its trace
        logger.exception("ended by an error that is not foreseen")
        sys.exit(1)


def _command(name: str, arguments: list[str]) -> None:
    try:
        COMMANDS[name](arguments)
    except OperatorError as error:
        sys.exit(f"keyward-operator {name}: {error}")


async def _run(options: Options) -> None:
    await Program(options).run()


if __name__ == "__main__":
    main()
