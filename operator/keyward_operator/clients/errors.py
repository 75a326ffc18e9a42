"""What the API server refused, without the client library's types."""

from keyward_operator.errors import OperatorError


class ApiError(OperatorError):
    """The API server did not do what was asked, or could not be reached."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status; 0 where there was no answer."""


class NotFoundError(ApiError):
    """There is no such object (404)."""


class ConflictError(ApiError):
    """The object is not as the request assumed, or exists already (409)."""


class ExpiredError(ApiError):
    """A list's continuation is too old (410): begin the list again."""


class ForbiddenError(ApiError):
    """A right is missing, or admission refused it: a quota, a policy (403)."""


class InvalidError(ApiError):
    """The object would not be valid then, or what it changes is immutable (422)."""


BY_STATUS: dict[int, type[ApiError]] = {
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: ExpiredError,
    422: InvalidError,
}
