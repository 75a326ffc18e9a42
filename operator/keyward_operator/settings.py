"""The platform's settings file, read again when it changes.

A broken file never replaces a valid one: the operator goes on with what it had, says so, and counts it.
"""

import logging
from pathlib import Path

import yaml
from pydantic import ValidationError

from keyward_api.tenants import PlatformSettings
from keyward_operator import metrics
from keyward_operator.errors import SettingsError

logger = logging.getLogger(__name__)


def read(path: Path) -> PlatformSettings:
    """Read a settings file. Raises SettingsError, which names the setting."""
    try:
        return PlatformSettings.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"the settings file {path} cannot be read: {error}") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise SettingsError(f"the settings file {path} is not valid: {faults}") from error


class SettingsFile:
    """The settings in force, and the file that they come from."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises SettingsError: without any valid settings the operator does not start."""
        self._path = path
        self._seen = self._version()
        self.current = read(path)
        _tell_that_they_are_valid()

    def reload(self) -> bool:
        """Read the file again if it changed; whether other settings are in force now."""
        version = self._version()
        if version == self._seen:
            return False
        self._seen = version
        try:
            fresh = read(self._path)
        except SettingsError as error:
            metrics.SETTINGS_VALID.set(0)
            logger.error("kept the settings as they were: %s", error)
            return False
        _tell_that_they_are_valid()
        changed, self.current = fresh != self.current, fresh
        if changed:
            logger.info("read changed settings from %s", self._path)
        return changed

    def _version(self) -> tuple[int, int] | None:
        """A mounted ConfigMap changes by a new link to a new file: inode and time tell."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return (found.st_ino, found.st_mtime_ns)


def _tell_that_they_are_valid() -> None:
    metrics.SETTINGS_VALID.set(1)
    metrics.SETTINGS_READ.set_to_current_time()
