"""Waiters and callbacks of the end of a body are notified once."""

from __future__ import annotations

import asyncio

import pytest

from gazelle.net.end_listeners import EndListeners, call


async def test_a_complete_body_wakes_waiters_and_calls_callbacks_once() -> None:
    listeners, calls = EndListeners(), []
    listeners.add(lambda: calls.append("called"))
    waiting = [asyncio.ensure_future(listeners.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    listeners.complete()
    listeners.complete()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1] is None
    assert calls == ["called"]


async def test_an_error_is_raised_to_waiters_and_no_callback_is_called() -> None:
    listeners, calls, error = EndListeners(), [], ValueError("broken")
    listeners.add(lambda: calls.append("called"))
    waiting = asyncio.ensure_future(listeners.wait())
    await asyncio.sleep(0)
    listeners.fail(error)
    with pytest.raises(ValueError) as raised:
        await waiting
    assert raised.value is error
    listeners.complete()
    assert calls == []


def test_an_error_in_a_callback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("in the callback")

    call(fail)
    assert "Exception in eof callback" in caplog.text
    assert "in the callback" in caplog.text
