"""The description of a request that responses and errors carry."""

import copy
import pickle

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gazelle.messages import RequestInfo


def headers() -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict([("X-A", "1"), ("x-a", "2")]))


def test_request_info_has_real_url_default_to_url() -> None:
    info = RequestInfo(URL("http://h/"), "GET", headers())
    assert info.real_url is info.url
    assert info == RequestInfo(URL("http://h/"), "GET", headers(), URL("http://h/"))
    assert tuple(info) == (info.url, "GET", info.headers, info.url)


def test_request_info_survives_a_pickle_with_read_only_headers() -> None:
    info = RequestInfo(URL("http://h/"), "GET", headers(), URL("http://h/#part"))
    again = pickle.loads(pickle.dumps(info))
    assert again == info
    assert type(again) is RequestInfo
    assert type(again.headers) is CIMultiDictProxy
    assert again.headers.getall("x-a") == ["1", "2"]


def test_a_subclass_of_request_info_keeps_its_class_in_a_pickle() -> None:
    info = Tagged(URL("http://h/"), "PUT", headers())
    assert type(pickle.loads(pickle.dumps(info))) is Tagged


def test_a_copy_of_request_info_is_the_same_object_because_it_is_immutable() -> None:
    info = RequestInfo(URL("http://h/"), "GET", headers())
    assert copy.copy(info) is info


class Tagged(RequestInfo):
    """A subclass as users write it."""
