"""What an HTTP status asks for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from streamagents.actions.answers import problem, wait_s
from streamagents.errors import DeliveryError, NotSentError, Reject, RetryLater

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 226])
def test_two_hundreds_are_done(status: int) -> None:
    assert problem("Peer", status, {}, NOW) is None


@pytest.mark.parametrize(
    ("status", "retry_after", "error", "code"),
    [
        (301, "", Reject, "redirected"),
        (304, "", Reject, "redirected"),
        (400, "", Reject, "peer_refused"),
        (401, "", Reject, "peer_refused"),
        (404, "5", Reject, "peer_refused"),
        (410, "", Reject, "peer_refused"),
        (422, "", Reject, "peer_refused"),
        (408, "5", RetryLater, ""),
        (425, "5", RetryLater, ""),
        (429, "5", RetryLater, ""),
        (503, "5", RetryLater, ""),
        (408, "", DeliveryError, ""),
        (425, "", NotSentError, ""),
        (429, "soon", NotSentError, ""),
        (503, "", DeliveryError, ""),
        (409, "", DeliveryError, ""),
        (500, "5", DeliveryError, ""),
        (502, "", DeliveryError, ""),
        (599, "", DeliveryError, ""),
        (101, "", DeliveryError, ""),
        (700, "", DeliveryError, ""),
    ],
)
def test_every_other_status_is_an_error_of_its_kind(
    status: int, retry_after: str, error: type[Exception], code: str
) -> None:
    told = problem("Peer", status, {"retry-after": retry_after}, NOW, "no_service")

    assert type(told) is error
    assert f"Peer answered {status} (no_service)" in str(told)
    assert getattr(told, "code", "") == code
    assert getattr(told, "after_s", 5.0) == 5.0


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("90", 90.0),
        (" 90 ", 90.0),
        ("0", 1.0),
        ("999999999", 604_800.0),
        ("Mon, 23 Nov 2026 08:02:00 GMT", 120.0),
        ("Mon, 23 Nov 2026 08:02:00 -0000", 120.0),
        ("Mon, 23 Nov 2026 07:00:00 GMT", 1.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 604_800.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 5000, None),
        ("٣", None),
        ("Mon, 99 Nov 2026 08:02:00 GMT", None),
    ],
)
def test_how_long_a_peer_wants_to_be_left_alone(said: str, seconds: float | None) -> None:
    assert wait_s(said, NOW) == seconds
