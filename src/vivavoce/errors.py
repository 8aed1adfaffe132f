"""Every error Vivavoce raises, whose fault it is, and whether to try again.

::

    VivavoceError
    ├── SetupFault              the person who set this up: mend the named thing, then run again
    │   ├── AgentFileError          the agent file or what it names; carries file and line
    │   ├── AudioFileError          a sound file that cannot be used
    │   ├── TimelineError           a timeline that cannot be read or does not fit this version
    │   ├── NotAvailable            a model, device or extra that this machine lacks
    │   ├── AccessFault             a provider that does not let us in: credentials, permission, clock, trust
    │   │   └── CredentialsExpired      they were good once; where fresh ones can be had, those are tried first
    │   └── UsageError              a command or a function used with values that make no sense
    ├── PeerFault               the other end of a wire: a provider, a client, a tool
    │   ├── ModelFault              the speech model or its connection
    │   │   ├── ModelUnreachable        no connection, or one that broke or went quiet
    │   │   ├── ModelBusy               throttled or over a quota: later
    │   │   ├── ModelExpired            the session's time or its credentials ran out: a new session works
    │   │   └── ModelRefused            it will not take what we send; again would be the same
    │   ├── ChannelFault            the caller's connection
    │   └── ToolFault               a tool that raised, hung or answered nonsense
    │       └── ToolUnreachable         no connection to it, or it has no time now
    ├── Refused                 a caller that is not let in, or not now; carries what a client is told
    ├── StoreFault              this machine's disk or database
    └── ProgrammingError        ours
        └── IllegalMove             a state machine was asked for a move its table does not list

``retryable`` says whether the same thing, done again later, may work. Nobody needs to look at the text to decide
anything.
"""

from __future__ import annotations

from typing import ClassVar


class VivavoceError(Exception):
    """Base of all. ``message`` says what was wrong, ``hint`` what to do about it (may be empty)."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class SetupFault(VivavoceError):
    """The person who set this up can mend it."""


class AgentFileError(SetupFault):
    """Something in the agent file is wrong. ``where`` is ``path:line`` as far as it is known."""

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message, hint=hint)
        self.where = where


class AudioFileError(SetupFault):
    """A sound file that is missing, is no sound file, or holds nothing that can be used."""


class TimelineError(SetupFault):
    """A timeline that cannot be read, is damaged before its end, or is of another version."""


class NotAvailable(SetupFault):
    """A model, a device or an optional package that is not on this machine."""


class AccessFault(SetupFault):
    """A provider does not let us in: no credentials, no permission, a wrong clock, a certificate nobody trusts."""


class CredentialsExpired(AccessFault):
    """The credentials ran out, and fresh ones were not to be had."""


class UsageError(SetupFault):
    """Values that make no sense together."""


class PeerFault(VivavoceError):
    """The other end of a wire misbehaved."""


class ModelFault(PeerFault):
    """The speech model or its connection failed."""

    retryable = True


class ModelUnreachable(ModelFault):
    """No connection could be made, or the one there was broke or went quiet."""


class ModelBusy(ModelFault):
    """Throttled, or over a quota: after a wait it may work."""


class ModelExpired(ModelFault):
    """The session's time, or that of its credentials, ran out: a new session may begin at once."""


class ModelRefused(ModelFault):
    """The model will not take what it was sent. The same again would be refused again."""

    retryable = False


class ChannelFault(PeerFault):
    """The caller's connection failed."""


class ToolFault(PeerFault):
    """A tool raised, hung, or gave an answer that cannot be used. Told to the model as data, never fatal to a call."""


class ToolUnreachable(ToolFault):
    """No connection to the tool, one that broke, or a tool that has no time: an idempotent one may be tried again.
    ``retry_after_s`` is the wait that it asks for, 0 for none."""

    retryable = True

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float = 0) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class Refused(VivavoceError):
    """A caller is not let in. ``status`` is the HTTP status and ``code`` the word by which a program can tell;
    ``retry_after_s`` says when it may try again, 0 that it need not.
    """

    def __init__(
        self, message: str, *, status: int = 403, code: str = "refused", retry_after_s: int = 0, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s


class StoreFault(VivavoceError):
    """The disk or the database would not take what had to be kept."""

    retryable = True


class ProgrammingError(VivavoceError):
    """A mistake in Vivavoce itself."""


class IllegalMove(ProgrammingError):
    """A state machine was asked for a move that its table does not list."""
