"""Acceptance of cookies: whether a cookie is stored, and under which domain and path (RFC 6265 §5.3)."""

from http.cookies import Morsel
from math import ceil

from gazelle.fields.dates import parse_date

from .cookie import Cookie, default_path, is_clean, is_name, quote
from .domains import PublicSuffixes, canonical_domain, canonical_host, is_address
from .parse import SetCookie, parse_max_age, requires_security

_FILED: frozenset[str] = frozenset({"domain", "path", "secure"})  # attributes that a `Cookie` has fields for


class Source:
    """The origin of cookies: the URL of a response, or the one that a caller passes with them.

    Args:
        host: host of the URL, as `URL.raw_host` has it; empty for cookies that are sent to all hosts.
        path: path of the URL, as `URL.raw_path` has it.
        is_secure: whether Secure cookies may be sent there.
        unsafe: whether cookies of IP addresses are accepted.
        public_suffixes: domains that cookies are refused for; None if there is no such list.
    """

    def __init__(
        self, host: str, path: str, is_secure: bool, unsafe: bool, public_suffixes: PublicSuffixes | None
    ) -> None:
        self._host = canonical_host(host)
        self._default_path = default_path(path)
        self._is_secure = is_secure
        self._is_address = is_address(self._host)
        self._refused = (self._is_address and not unsafe) or bool(host and not self._host)
        self._public_suffixes = public_suffixes

    def accept(self, given: SetCookie, now: float, *, of_server: bool) -> Cookie | None:
        """Return the cookie to store, or None if it is refused. It may have expired already, to remove a stored one.

        Args:
            given: the cookie as it was set.
            now: the time in seconds since 1970.
            of_server: whether a response has set it, so that its name may require a secure connection.
        """
        place = self.place(given.domain)
        if place is None or (of_server and self._host and not self._is_secure and requires_security(given.name)):
            return None
        domain, host_only = place
        cookie = Cookie(
            given.name,
            given.value,
            given.coded,
            domain=domain,
            path=given.path or self._default_path,
            host_only=host_only,
            secure=given.secure,
            expires=expiry(given.max_age, given.expires, now),
            attributes={name: text for name, text in given.attributes.items() if name not in _FILED},
        )
        cookie.max_age = given.max_age
        cookie.default_path = not given.path
        return cookie

    def place(self, attribute: str) -> tuple[str, bool] | None:
        """Return the domain of a cookie and its host-only flag, or None to refuse it (RFC 6265 §5.3, 4 to 6).

        Args:
            attribute: the Domain attribute, empty if there is none.
        """
        if self._refused:
            return None
        if not self._host:
            domain = canonical_host(attribute.removeprefix("."))
            return (domain, False) if domain or not attribute else None
        domain = canonical_domain(attribute)
        if not domain:
            # A value that is too long or not a name is refused; only one that ends in a dot counts as absent.
            return (self._host, True) if not attribute or attribute.endswith(".") or attribute == "." else None
        if domain == self._host:
            return domain, self._is_address or self._is_public(domain)
        if self._is_address or not self._host.endswith(f".{domain}") or self._is_public(domain):
            return None
        return domain, False

    def _is_public(self, domain: str) -> bool:
        return self._public_suffixes is not None and domain in self._public_suffixes


def expiry(max_age: int | None, expires: int | None, now: float) -> int | None:
    """Return the expiry time of a cookie, of which Max-Age decides before Expires (RFC 6265 §5.3, 3).

    The result is 0 for a Max-Age of 0, None for a cookie that lasts as long as the session.
    """
    if max_age is None:
        return expires
    return ceil(now + max_age) if max_age else 0


def cookie_of_caller(name: str, value: object, *, quoted: bool) -> SetCookie:
    """Return a cookie that a caller passes in the form of a parsed Set-Cookie field.

    Args:
        name: its name.
        value: its value, a Morsel with value and attributes, or an object whose text is the value.
        quoted: whether a value gets the quotes it needs.

    Raises:
        TypeError: the name is not a str.
        ValueError: name, value or an attribute cannot be put into a header.
    """
    name = check_name(name)
    if not isinstance(value, Morsel):
        return SetCookie(name, check_value(name, value, quoted=quoted))
    given = SetCookie(name, _text(value.coded_value))
    for attribute, text in value.items():
        if text is not None and text is not False and text != "":
            given.attributes[attribute] = text if text is True else str(text)
    given.max_age = parse_max_age(str(given.attributes.get("max-age", "")))
    given.expires = parse_date(str(given.attributes.get("expires", "")))
    for part in (given.coded, *given.attributes.values()):
        if not is_clean(str(part)):
            raise _unclean(name, part)
    return given


def check_name(name: str) -> str:
    """Return the name of a cookie of a caller as an exact str.

    Raises:
        TypeError: it is not a str.
        ValueError: it cannot be a name.
    """
    name = str.__str__(name)  # the text itself, not what `__str__` of a subclass returns
    if not is_name(name):
        raise ValueError(f"{name!r} cannot be the name of a cookie")
    return name


def check_value(name: str, value: object, *, quoted: bool) -> str:
    """Return the value of a cookie of a caller as it is sent.

    Args:
        name: name of the cookie.
        value: its value.
        quoted: whether to put quotes around a value that needs them.

    Raises:
        ValueError: its text cannot be put into a header.
    """
    text = _text(value)
    if not is_clean(text):
        raise _unclean(name, text)
    return quote(text) if quoted else text


def _text(value: object) -> str:
    return str.__str__(value) if isinstance(value, str) else str(value)


def _unclean(name: str, part: object) -> ValueError:
    return ValueError(f"the cookie {name!r} has a control character or half a surrogate pair: {part!r}")
