"""The operator's own exceptions."""


class OperatorError(Exception):
    """Base of all; the message says what is wrong and what to do next."""


class SettingsError(OperatorError):
    """The platform's settings file cannot be read or holds something that it may not."""


class LeadershipLostError(OperatorError):
    """Another operator may be the leader by now: this process must write nothing more."""


class QueueClosedError(OperatorError):
    """The work queue was closed: the worker that asked for a key shall end."""


class OvertakenError(OperatorError):
    """Somebody who knew more was faster: what was read must be read again."""
