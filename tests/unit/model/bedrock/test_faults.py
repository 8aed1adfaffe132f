"""Each sentence of the service that we know of, as the error that it should be."""

from __future__ import annotations

import pytest

from vivavoce.errors import AccessFault, ModelBusy, ModelExpired, ModelFault, ModelRefused, ModelUnreachable
from vivavoce.model.bedrock.faults import fault_before_stream, fault_in_stream
from vivavoce.wire.bedrock import HTTP_STATUS, ServiceError, ServiceException

PREFIXES = ("", "RequestId=4f0c : ", "Error(s):\nError 1 : ")


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    ("exception", "message", "kind"),
    [
        ("validationException", "Timed out waiting for audio bytes or interactive content.", ModelExpired),
        ("validationException", "Timed out waiting for input events", ModelExpired),
        ("validationException", "Duplicate SYSTEM content.", ModelRefused),
        ("validationException", "Unable to parse input chunk.", ModelRefused),
        ("validationException", "Chat history is over max limit.", ModelRefused),
        ("validationException", "This request has been blocked by our content filters.", ModelRefused),
        ("validationException", "Received invalid voiceId", ModelRefused),
        ("validationException", "System instability detected. Please retry your request.", ModelFault),
        (
            "validationException",
            "InternalErrorCode=531::RST_STREAM closed stream. HTTP/2 error code: NO_ERROR",
            ModelUnreachable,
        ),
        ("modelStreamErrorException", "The system encountered an unexpected error during processing.", ModelFault),
        (
            "modelTimeoutException",
            "Model has timed out in processing the request. Try your request again.",
            ModelExpired,
        ),
        ("modelTimeoutException", "another sentence", ModelExpired),
        ("throttlingException", "Too many requests, please wait before trying again.", ModelBusy),
        ("serviceUnavailableException", "x", ModelBusy),
        ("internalServerException", "x", ModelFault),
        ("modelNotReadyException", "x", ModelBusy),
        ("expiredTokenException", "The security token included in the request is expired", ModelExpired),
        ("accessDeniedException", "x", AccessFault),
        ("someNewException", "x", ModelFault),
        ("", "", ModelFault),
    ],
)
def test_within_the_stream(prefix: str, exception: str, message: str, kind: type) -> None:
    fault = fault_in_stream(ServiceException(exception, prefix + message))
    assert type(fault) is kind
    assert " ".join((prefix + message).split()) in fault.message


@pytest.mark.parametrize("said", ["Error(s):\nError 1 : bad \x1b[31m\x07\u202e" + "x" * 100_000, "y\r\nz", "\n"])
def test_whatever_is_said_it_is_one_short_printable_line(said: str) -> None:
    in_stream = fault_in_stream(ServiceException(said, said))
    before = fault_before_stream(400, {"x-amzn-errortype": said, "x-amzn-requestid": said}, said.encode(), bearer=False)
    for fault in (in_stream, before):
        assert str(fault).isprintable()
        assert len(str(fault)) < 1000


def test_the_models_own_words_are_kept() -> None:
    fault = fault_in_stream(ServiceException("modelStreamErrorException", "failed", 500, "out of memory"))
    assert fault.message == "Bedrock: failed: out of memory [modelStreamErrorException]"


def test_an_error_that_the_operation_does_not_list() -> None:
    assert type(fault_in_stream(ServiceError("InternalFailure", "x"))) is ModelFault
    assert type(fault_in_stream(ServiceError("ThrottlingException", "x"))) is ModelBusy


@pytest.mark.parametrize("exception", HTTP_STATUS)
def test_every_exception_of_the_operation_is_known_by_its_name(exception: str) -> None:
    """By name alone: the status is one that says nothing, and the sentence too."""
    name = exception[0].upper() + exception[1:]
    fault = fault_before_stream(299, {"x-amzn-errortype": name}, b'{"message":"x"}', bearer=False)
    assert type(fault) is type(fault_in_stream(ServiceException(exception, "x")))
    if exception not in ("internalServerException", "modelStreamErrorException", "modelErrorException"):
        assert type(fault) is not ModelFault


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "message"),
    [
        (400, {}, b'{"__type":"com.amazon.coral#ValidationException","message":"m"}', ModelRefused, "m"),
        (403, {}, b'{"Message":"no"}', AccessFault, "no"),
        (403, {}, b"<html>proxy</html>", AccessFault, "<html>proxy</html>"),
        (401, {}, b"", AccessFault, "no reason given"),
        (404, {}, b"\xff\xfe", ModelRefused, "\ufffd"),
        (429, {}, b'{"message":7}', ModelBusy, '{"message":7}'),
        (502, {}, b"", ModelFault, "[HTTP 502]"),
        (503, {}, b"", ModelBusy, "[HTTP 503]"),
        (301, {}, b"", ModelFault, "[HTTP 301]"),
        (0, {}, b"", ModelFault, "[HTTP 0]"),
        (403, {"x-amzn-errortype": "RequestTimeTooSkewedException"}, b"", AccessFault, "clock"),
    ],
)
def test_before_the_stream(status: int, headers: dict[str, str], body: bytes, kind: type, message: str) -> None:
    fault = fault_before_stream(status, headers, body, bearer=False)
    assert type(fault) is kind
    assert message in str(fault)
