"""Which checkouts of Keyward have something running on this machine.

A machine holds one cluster named `keyward`. Each checkout that brings something up leaves a file in `running/` of the
caches, so that another checkout can say whose it is, or take it down.
"""

from pathlib import Path

from local import caches


def mark_running(checkout: Path) -> None:
    """Remember that `checkout` has something running."""
    file = _file(checkout)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{checkout}\n")


def mark_down(checkout: Path) -> None:
    """Forget it; nothing where it was not remembered."""
    _file(checkout).unlink(missing_ok=True)


def others(checkout: Path) -> list[Path]:
    """The other checkouts that have something running."""
    folder = _file(checkout).parent
    return [other for file in sorted(folder.glob("*")) if (other := Path(file.read_text().strip())) != checkout]


def _file(checkout: Path) -> Path:
    return caches.root() / "running" / caches.digest(str(checkout))
