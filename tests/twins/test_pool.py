"""What `Pool` decides about connections, on both twins."""

import asyncio
from typing import Any

import pytest

from tests.support.twins import Twin


@pytest.fixture
def open_connection(twin: Twin) -> Any:
    """Makes connections that count how often they are closed, and are in use in a pool."""

    class Connection(twin.pool.PooledConnection):  # type: ignore[misc, name-defined]
        closed = 0
        reusable = True

        def is_reusable(self) -> bool:
            return self.reusable

        def close(self) -> None:
            self.closed += 1

    def open_in(pool: Any, key: str) -> Connection:
        connection = Connection(key)
        pool.open.add(connection)
        pool.places.taken.add(connection)
        return connection

    return open_in


async def test_the_connection_that_came_back_last_is_taken_first(twin: Twin, open_connection: Any) -> None:
    pool = twin.pool.Pool(asyncio.get_running_loop(), -1.0, 0, 0)
    one, other = open_connection(pool, "a"), open_connection(pool, "a")
    pool.release(one, True)
    pool.release(other, True)
    assert [pool.take("a"), pool.take("a"), pool.take("a")] == [other, one, None]


async def test_a_connection_comes_back_to_the_others_after_its_list_was_dropped(
    twin: Twin, open_connection: Any
) -> None:
    pool = twin.pool.Pool(asyncio.get_running_loop(), -1.0, 0, 0)
    early = open_connection(pool, "a")
    pool.release(early, True)
    assert pool.take("a") is early
    assert pool.take("a") is None
    assert not pool.idle  # nothing idle: the key is forgotten, and with it the list that `early` was in
    late = open_connection(pool, "a")
    pool.release(late, True)
    pool.release(early, True)
    assert pool.idle == {"a": [late, early]}
    assert [pool.take("a"), pool.take("a")] == [early, late]
    pool.release(early, True)
    pool.release(late, True)
    assert pool.idle == {"a": [early, late]}


async def test_a_connection_that_cannot_be_used_again_is_closed_and_the_next_one_taken(
    twin: Twin, open_connection: Any
) -> None:
    pool = twin.pool.Pool(asyncio.get_running_loop(), -1.0, 0, 0)
    good, bad = open_connection(pool, "a"), open_connection(pool, "a")
    pool.release(good, True)
    pool.release(bad, True)
    bad.reusable = False
    assert pool.take("a") is good
    assert (good.closed, bad.closed) == (0, 1)


async def test_what_a_connection_has_to_do_itself_it_is_asked_for(twin: Twin) -> None:
    connection = twin.pool.PooledConnection("a")
    with pytest.raises(NotImplementedError):
        connection.is_reusable()
    with pytest.raises(NotImplementedError):
        connection.close()
