"""`gazelle.body.multipart`: the names that programs import from `aiohttp.multipart`."""

import pytest

from gazelle.body import multipart

aiohttp_multipart = pytest.importorskip("aiohttp.multipart")


@pytest.mark.parametrize("name", aiohttp_multipart.__all__)
def test_every_public_name_of_the_reference_is_there(name: str) -> None:
    assert name in multipart.__all__
    assert getattr(multipart, name).__name__ == name


def test_every_name_that_is_exported_exists_and_is_the_one_of_its_own_module() -> None:
    for name in multipart.__all__:
        value = getattr(multipart, name)
        assert value.__name__ == name
        assert value.__module__ != multipart.__name__
