"""Values that describe one exchange and travel with its responses and errors."""

from typing import NamedTuple, Self

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL


class _RequestInfoFields(NamedTuple):
    url: URL
    method: str
    headers: CIMultiDictProxy[str]
    real_url: URL


class RequestInfo(_RequestInfoFields):
    """A request as it was sent: `url` (URL), `method` (str), `headers` (CIMultiDictProxy) and `real_url` (URL).

    It can be pickled and copied, although a `CIMultiDictProxy` cannot.

    Args:
        url: URL without its fragment.
        method: method of the request, like "GET".
        headers: header fields of the request.
        real_url: URL with its fragment. Default: `url`.
    """

    __slots__ = ()

    def __new__(cls, url: URL, method: str, headers: CIMultiDictProxy[str], real_url: URL | None = None) -> Self:
        return super().__new__(cls, url, method, headers, url if real_url is None else real_url)

    def __copy__(self) -> Self:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return _restore_request_info, (type(self), self.url, self.method, CIMultiDict(self.headers), self.real_url)


def _restore_request_info(
    cls: type[RequestInfo], url: URL, method: str, headers: CIMultiDict[str], real_url: URL
) -> RequestInfo:
    return cls(url, method, CIMultiDictProxy(headers), real_url)
