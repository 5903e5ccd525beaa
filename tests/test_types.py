"""Types of the public signatures: HTTP versions and the sentinel."""

import copy
import pickle

import gazelle
from gazelle.types import HttpVersion, HttpVersion10, HttpVersion11, Sentinel, sentinel


def test_http_versions_are_ordered_tuples() -> None:
    assert HttpVersion11 == HttpVersion(1, 1) == (1, 1)
    assert HttpVersion10 < HttpVersion11
    assert (HttpVersion11.major, HttpVersion11.minor) == (1, 1)
    assert gazelle.HttpVersion11 is HttpVersion11


def test_the_sentinel_stays_the_same_object_in_copies_and_pickles() -> None:
    assert copy.deepcopy(sentinel) is sentinel
    assert pickle.loads(pickle.dumps(sentinel)) is sentinel
    assert repr(sentinel) == "<sentinel>"
    assert list(Sentinel) == [sentinel]
