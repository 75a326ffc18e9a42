"""The `keyward` command, for people on their own machine.

So far it tells its version; the commands that talk to a cluster come with the kinds that they need.
"""

import typer

from keyward_cli.versions import OutputFormat, installed_version, render

application = typer.Typer(
    name="keyward",
    help="Audited, role-based, short-lived access to Amazon Keyspaces from Kubernetes.",
    no_args_is_help=True,
    add_completion=False,
)


@application.callback()
def keyward() -> None:
    """Keep `version` a subcommand: typer would make a lone command the whole program."""


@application.command()
def version(
    output: OutputFormat = typer.Option(  # noqa: B008 - typer's way to declare an option
        OutputFormat.TEXT, "--output", "-o", help="How to write the answer."
    ),
) -> None:
    """Show the version of this command."""
    typer.echo(render(installed_version(), output))


def main() -> None:
    """Run the command line; the console script `keyward`."""
    application()
