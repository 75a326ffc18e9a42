"""The console script keyward-operator."""

import asyncio
import logging
import sys

from keyward_operator import logs
from keyward_operator.errors import OperatorError
from keyward_operator.options import Options, parse
from keyward_operator.print_iam import COMMAND, print_iam
from keyward_operator.program import Program

logger = logging.getLogger(__name__)


def main() -> None:
    """Run the operator, or `print-iam`. Ends with status 1 and a line that says why where it cannot go on."""
    if sys.argv[1:2] == [COMMAND]:
        _print_iam(sys.argv[2:])
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


def _print_iam(arguments: list[str]) -> None:
    try:
        print_iam(arguments)
    except OperatorError as error:
        sys.exit(f"keyward-operator {COMMAND}: {error}")


async def _run(options: Options) -> None:
    await Program(options).run()


if __name__ == "__main__":
    main()
