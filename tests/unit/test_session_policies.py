from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.links.contract import Lost, LostReason
from kiosk.providers.contract import Broken, Busy, Misconfigured, ProviderError, Unavailable
from kiosk.session.notices import Notice
from kiosk.session.policies import RETRY_AFTER_CAP_S, Backoff, asked_s, fault_of_error, fault_of_loss


@pytest.mark.parametrize(
    ("failures", "ceiling"), [(0, 0.5), (1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (6, 8.0), (10_000, 8.0)]
)
def test_ceiling_doubles_up_to_the_cap(failures: int, ceiling: float) -> None:
    assert Backoff(0.5, 8.0).ceiling_s(failures) == ceiling


@given(failures=st.integers(0, 10**6), seed=st.integers(), asked=st.none() | st.floats())
def test_delay_is_bounded_and_honours_the_vendor(failures: int, seed: int, asked: float | None) -> None:
    backoff = Backoff(0.5, 8.0)
    delay = backoff.delay_s(failures, Random(seed), asked)
    assert 0.0 <= delay <= max(8.0, RETRY_AFTER_CAP_S)
    assert delay >= asked_s(asked)


def test_jitter_is_full() -> None:
    drawn = [Backoff(0.5, 8.0).delay_s(5, Random(seed)) for seed in range(200)]
    assert min(drawn) < 0.5
    assert max(drawn) > 7.5


@pytest.mark.parametrize(
    ("said", "honoured"),
    [
        (None, 0.0),
        (-1.0, 0.0),
        (float("nan"), 0.0),
        (0.0, 0.0),
        (7.0, 7.0),
        (60.0, 60.0),
        (3600.0, 60.0),
        (float("inf"), 60.0),
    ],
)
def test_retry_after_is_capped(said: float | None, honoured: float) -> None:
    assert asked_s(said) == honoured


@pytest.mark.parametrize(
    ("error", "kind", "screen", "retry"),
    [
        (Misconfigured("set the key"), "misconfigured", "out_of_service", False),
        (Busy("wait", retry_after_s=5), "busy", "busy", True),
        (Unavailable("down"), "unavailable", "unavailable", True),
        (Broken("nonsense"), "broken", "unavailable", False),
    ],
)
def test_every_provider_error_has_its_answer(error: ProviderError, kind: str, screen: str, retry: bool) -> None:
    fault = fault_of_error(error)
    assert (fault.kind, fault.screen, fault.retry) == (kind, screen, retry)
    assert fault.operator_line == error.operator_line
    assert fault.retry_after_s == error.retry_after_s


def test_every_screen_of_an_error_is_a_known_notice() -> None:
    screens = {error.screen for error in (ProviderError, Misconfigured, Busy, Unavailable, Broken)}
    assert screens <= set(Notice)


@pytest.mark.parametrize("reason", list(LostReason))
def test_a_loss_is_retried_only_if_the_link_hopes_and_we_were_not_shown_out(reason: LostReason) -> None:
    never = reason in {LostReason.EXPELLED, LostReason.DEVICE}
    assert fault_of_loss(Lost(reason, True, "line")).retry is not never
    assert fault_of_loss(Lost(reason, False, "line")).retry is False
