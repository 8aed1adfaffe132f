"""What Bedrock says when it will not, as errors of ours: whose fault it is, whether to try again, and what to do.

The service's own sentence stays in the message: people search for it. Sources: the operation's model for the names, the
published clients and their issue threads for the sentences, which come with changing prefixes, so that only a part is
looked for.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from vivavoce.errors import (
    AccessFault,
    CredentialsExpired,
    ModelBusy,
    ModelExpired,
    ModelFault,
    ModelRefused,
    ModelUnreachable,
)
from vivavoce.wire.bedrock import ServiceError, ServiceException

BedrockFault = ModelFault | AccessFault

_CLOCK = "set this machine's clock: AWS takes requests within five minutes of its own time"
_KEYS = "check the access key, its secret and its session token, or the profile that they come from"
_PERMISSION = (
    "allow bedrock:InvokeModel and bedrock:InvokeModelWithBidirectionalStream on this model for this identity, and see "
    "in the Bedrock console that the account may use it"
)
_RENEW = "renew the credentials, for instance with `aws sso login`"
_MODEL = "check the model's id, and whether this region has it"
_QUOTA = "wait, or ask AWS for a higher quota of concurrent sessions"
_BEARER = "check AWS_BEARER_TOKEN_BEDROCK, or unset it and use an access key"

# A part of the sentence, in lower case. It decides before the name does: half of them come as validationException.
_BY_SENTENCE: tuple[tuple[str, type[BedrockFault], str], ...] = (
    ("signature expired", AccessFault, _CLOCK),
    ("signature not yet current", AccessFault, _CLOCK),
    ("internalerrorcode=531", ModelUnreachable, ""),
    ("system instability", ModelFault, ""),
    ("unexpected error during processing", ModelFault, ""),
    ("timed out waiting for", ModelExpired, ""),
    ("model has timed out", ModelExpired, ""),
    ("model identifier is invalid", ModelRefused, _MODEL),
    ("on-demand throughput isn", ModelRefused, _MODEL),
    ("api key", AccessFault, _BEARER),
    ("too many requests", ModelBusy, _QUOTA),
    ("too many tokens", ModelBusy, _QUOTA),
)

_LONGEST_SENTENCE = 500
_LONGEST_NAME = 80

# By :func:`_plain`: without "exception" and "error" at the end.
_BY_NAME: Mapping[str, tuple[type[BedrockFault], str]] = {
    "throttling": (ModelBusy, _QUOTA),
    "toomanyrequests": (ModelBusy, _QUOTA),
    "servicequotaexceeded": (ModelBusy, _QUOTA),
    "modelnotready": (ModelBusy, ""),
    "serviceunavailable": (ModelBusy, ""),
    "internalserver": (ModelFault, ""),
    "internalfailure": (ModelFault, ""),
    "modelstream": (ModelFault, ""),
    "model": (ModelFault, ""),
    "modeltimeout": (ModelExpired, ""),
    "validation": (ModelRefused, ""),
    "resourcenotfound": (ModelRefused, _MODEL),
    "accessdenied": (AccessFault, _PERMISSION),
    "optinrequired": (AccessFault, _PERMISSION),
    "unrecognizedclient": (AccessFault, _KEYS),
    "invalidclienttokenid": (AccessFault, _KEYS),
    "invalidsignature": (AccessFault, _KEYS),
    "signaturedoesnotmatch": (AccessFault, _KEYS),
    "incompletesignature": (AccessFault, _KEYS),
    "missingauthenticationtoken": (AccessFault, _KEYS),
    "requesttimetooskewed": (AccessFault, _CLOCK),
    "requestexpired": (AccessFault, _CLOCK),
    "expiredtoken": (CredentialsExpired, _RENEW),
}


def fault_in_stream(said: ServiceException | ServiceError) -> BedrockFault:
    """The last message of a stream. Credentials that ran out on the way are no reason not to open another."""
    if isinstance(said, ServiceError):
        name, message = said.code, said.message
    else:
        name, message = said.exception, said.message
        if said.original_message and said.original_message not in message:
            message = f"{message}: {said.original_message}"
    if _plain(name) == "expiredtoken":
        return ModelExpired(_sentence(name, message))
    return _fault(name, message, ModelFault, "")


def fault_before_stream(status: int, headers: Mapping[str, str], body: bytes, *, bearer: bool) -> BedrockFault:
    """A response that is not 200."""
    said = _read_body(body)
    named = headers.get("x-amzn-errortype", "") or said.type or said.code
    name = named.partition(":")[0].rpartition("#")[2]
    message = said.message or said.capital_message or body[:200].decode("utf-8", "replace")
    request_id = headers.get("x-amzn-requestid", "")
    kind, hint = _by_status(status)
    fault = _fault(name or f"HTTP {status}", message or "no reason given", kind, hint, request_id)
    if bearer and isinstance(fault, AccessFault) and fault.hint == _KEYS:
        return AccessFault(fault.message, hint=_BEARER)
    return fault


def _by_status(status: int) -> tuple[type[BedrockFault], str]:
    if status in (401, 403):
        return AccessFault, _PERMISSION
    if status in (429, 503):
        return ModelBusy, ""
    if status == 408 or status >= 500 or status < 400:
        return ModelFault, ""
    return ModelRefused, ""


def _fault(name: str, message: str, otherwise: type[BedrockFault], hint: str, request_id: str = "") -> BedrockFault:
    lower = message.lower()
    text = _sentence(name, message, request_id)
    for part, kind, what_to_do in _BY_SENTENCE:
        if part in lower:
            return kind(text, hint=what_to_do)
    kind, what_to_do = _BY_NAME.get(_plain(name), (otherwise, hint))
    return kind(text, hint=what_to_do)


def _sentence(name: str, message: str, request_id: str = "") -> str:
    """One line whatever the peer sent: some real sentences have two, and a terminal must not be spoken to."""
    text = _line(message, _LONGEST_SENTENCE)
    request = f", request {_line(request_id, _LONGEST_NAME)}" if request_id else ""
    return f"Bedrock: {text} [{_line(name, _LONGEST_NAME)}{request}]"


def _line(text: str, longest: int) -> str:
    line = " ".join("".join(one if one.isprintable() else " " for one in text[: 2 * longest]).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _plain(name: str) -> str:
    """``ThrottlingException``, ``throttlingException`` and ``ThrottlingError`` are one."""
    return name.lower().removesuffix("exception").removesuffix("error")


class _Body(msgspec.Struct):
    message: str = ""
    capital_message: str = msgspec.field(name="Message", default="")
    type: str = msgspec.field(name="__type", default="")
    code: str = ""


def _read_body(body: bytes) -> _Body:
    try:
        return msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Body()
