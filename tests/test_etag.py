"""`ETag`, an entity tag."""

import pickle

from gazelle.etag import ETag


def test_an_etag_is_a_value() -> None:
    assert ETag("abc") == ETag("abc", is_weak=False)
    assert {ETag("abc", True): 1}[ETag("abc", True)] == 1
    assert ETag("abc") != ETag("abc", True)
    assert pickle.loads(pickle.dumps(ETag("abc", True))) == ETag("abc", True)
    assert repr(ETag("abc")) == "ETag(value='abc', is_weak=False)"
