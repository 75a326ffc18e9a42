"""How `--help` prints flags."""

import argparse


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Says what each flag defaults to, where that is something."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return super()._get_help_string(action) if action.default else action.help
