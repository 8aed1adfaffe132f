"""What the service objects to, in its own words: clients and people search for these sentences.

Texts as they were seen by those who write clients; where none was seen, the general one of the service is used.
"""

from __future__ import annotations

from enum import StrEnum

from vivavoce.errors import PeerFault

VALIDATION = "validationException"
MODEL_STREAM = "modelStreamErrorException"
MODEL_TIMEOUT = "modelTimeoutException"
THROTTLING = "throttlingException"
INTERNAL = "internalServerException"
UNAVAILABLE = "serviceUnavailableException"

INVALID = "Invalid input request, please fix your input and try again."
UNREADABLE = "Unable to parse input chunk. Please check input format contains correct format."
DUPLICATE_SYSTEM = "Duplicate SYSTEM content. SYSTEM content can only be provided once per prompt."
DUPLICATE_PROMPT = "Duplicate prompt name: {name}"
NO_OPEN_CONTENT = "No open content found for content name: {name}"
HISTORY_TOO_LONG = "Chat history is over max limit. Trim chat history and try again."
HISTORY_TOO_LATE = "Chat history should be sent completely before streaming audio."
TOOL_RESULT_UNREADABLE = "Tool Response parsing error"
VOICE_MISSING = "Received invalid voiceId: value must not be empty"
VOICE_UNKNOWN = "Received invalid voiceId"
IDLE = (
    "Timed out waiting for audio bytes or interactive content. Please ensure gaps between audio bytes and interactive "
    "content are less than {seconds} seconds."
)
IDLE_V1 = "Timed out waiting for input events"
LIFETIME = "Model has timed out in processing the request. Try your request again."
UNEXPECTED = "The system encountered an unexpected error during processing. Try your request again."
INSTABILITY = "System instability detected. Please retry your request."
THROTTLED = "Too many requests, please wait before trying again."
MODEL_UNKNOWN = "The provided model identifier is invalid."
MODEL_DENIED = "You don't have access to the model with the specified model ID."
TOKEN_EXPIRED = "The security token included in the request is expired"  # noqa: S105  # a sentence
NOT_AVAILABLE = "Bedrock is unable to process your request."


class Decoration(StrEnum):
    """What stands before the sentence: real errors come with either, or with nothing."""

    NONE = "none"
    REQUEST_ID = "request-id"
    NUMBERED = "numbered"

    def around(self, message: str, request_id: str) -> str:
        match self:
            case Decoration.NONE:
                return message
            case Decoration.REQUEST_ID:
                return f"RequestId={request_id} : {message}"
            case Decoration.NUMBERED:
                return f"Error(s):\nError 1 : {message}"


class Complaint(PeerFault):
    """The client did what the service refuses. ``exception`` is the name of the exception in the stream; one that is
    not ``fatal`` is told, and the stream goes on."""

    def __init__(self, message: str, *, exception: str = VALIDATION, fatal: bool = True) -> None:
        super().__init__(message)
        self.exception = exception
        self.fatal = fatal
