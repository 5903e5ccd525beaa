"""The files of jars: what is saved is loaded; everything else is refused."""

from __future__ import annotations

import builtins
import json
import os
import pickle
import stat
import sys
from collections import defaultdict
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from gazelle.cookies import files
from gazelle.cookies.jar import CookieJar
from tests.cookies.jars import Clock

Format = Literal["json", "pickle"]


FORMATS: list[Format] = ["json", "pickle"]


TEXT = st.text(st.characters(min_codepoint=32, exclude_characters="\x7f;", exclude_categories=["Cs"]), max_size=8)


HOSTS = ["example.org", "a.example.org", "b.a.example.org", "127.0.0.1", "bücher.example"]


FIELDS = st.builds(
    lambda name, value, path, domain, age, flags: (
        f"{name}={value}" + path + ("" if domain is None else f"; Domain={domain}") + age + "".join(flags)
    ),
    st.sampled_from(["a", "b", "c d", "é", "x[1]", "__Secure-a"]) | TEXT,
    TEXT | TEXT.map(lambda text: f'"{text}"') | st.sampled_from(['"\\073"', '"\\012"', '"\\"']) | st.just(""),
    st.sampled_from(["", "; Path=/", "; Path=/x", "; Path=/x/", "; Path=/x//", "; Path=/|", "; Path=/é"]),
    st.sampled_from([None, "example.org", "a.example.org", ".example.org", "xn--bcher-kva.example"]),
    st.sampled_from(
        ["", "; Max-Age=1", "; Max-Age=77", "; Max-Age=" + "9" * 30, "; Expires=Sun, 06 Nov 2094 08:49:37 GMT"]
    ),
    st.lists(st.sampled_from(["; Secure", "; HttpOnly", "; SameSite=Lax", "; Partitioned", "; Comment=a b"])),
)


def contents(jar: CookieJar) -> list[tuple[Any, ...]]:
    """Return everything that decides what is sent, and the attributes that files keep."""
    len(jar)  # removes what has expired
    return [
        (
            cookie.domain,
            cookie.host_only,
            cookie.path,
            cookie.name,
            cookie.value,
            cookie.coded,
            cookie.secure,
            cookie.expires,
            {name: text for name, text in cookie.attributes.items() if name not in ("expires", "max-age")},
        )
        for domain in sorted(jar.by_domain)
        for _, cookie in sorted(jar.by_domain[domain].items())
    ]


@given(
    responses=st.lists(st.tuples(st.sampled_from(HOSTS), st.lists(FIELDS, max_size=8)), max_size=6),
    shared=st.dictionaries(st.sampled_from("abc"), TEXT, max_size=3),
    quote_cookie=st.booleans(),
)
@pytest.mark.parametrize("form", FORMATS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_what_is_saved_is_loaded(
    tmp_path: Path,
    clock: Clock,
    form: Format,
    responses: list[tuple[str, list[str]]],
    shared: dict[str, str],
    quote_cookie: bool,
) -> None:
    jar = CookieJar(unsafe=True, quote_cookie=quote_cookie)
    jar.update_cookies(shared)
    for host, fields in responses:
        jar.update_cookies_from_headers(fields, URL(f"https://{host}/x/y"))
    file = tmp_path / "jar"
    jar.save(file, format=form)
    loaded = CookieJar(unsafe=True, quote_cookie=quote_cookie)
    loaded.load(str(file))
    expected = contents(jar)
    if sys.version_info < (3, 14) and form == "pickle":  # its Morsels do not know the attribute
        for *_, attributes in expected:
            attributes.pop("partitioned", None)
    assert contents(loaded) == expected
    assert len(loaded) == len(jar)
    for host in (*HOSTS, "sub.example.org"):
        for path in ("/", "/x", "/x/y", "/x//z"):
            for is_secure in (True, False):
                assert loaded.header_for(host, path, is_secure) == jar.header_for(host, path, is_secure)


@pytest.mark.parametrize("form", FORMATS)
def test_cookies_of_a_host_stay_its_own_in_a_file(tmp_path: Path, form: Format) -> None:
    jar = CookieJar()
    jar.update_cookies_from_headers(
        ["a=own; Path=/", "a=shared; Path=/; Domain=example.org", "b=1; Path=/x", "b=2; Path=/x/"],
        URL("http://example.org/"),
    )
    jar.save(tmp_path / "jar", form)
    loaded = CookieJar()
    loaded.load(tmp_path / "jar")
    assert loaded.header_for("example.org", "/", False) == "a=own"
    assert loaded.header_for("sub.example.org", "/", False) == "a=shared"
    assert loaded.header_for("example.org", "/x", False) == "a=own; b=1"
    assert loaded.header_for("example.org", "/x/", False) == "a=own; b=2"


@pytest.mark.parametrize("form", FORMATS)
def test_loaded_cookies_keep_their_order(tmp_path: Path, form: Format) -> None:
    jar = CookieJar()
    for name in "cabca":
        jar.update_cookies_from_headers([f"{name}=1; Path=/x"], URL("http://example.org/"))
    jar.save(tmp_path / "jar", form)
    loaded = CookieJar()
    loaded.load(tmp_path / "jar")
    assert [morsel.key for morsel in jar] == ["b", "c", "a"]
    assert [morsel.key for morsel in loaded] == ["b", "c", "a"]


@pytest.mark.parametrize("form", FORMATS)
def test_expired_cookies_are_neither_saved_nor_loaded(tmp_path: Path, clock: Clock, form: Format) -> None:
    jar = CookieJar()
    jar.update_cookies_from_headers(["a=1; Max-Age=10", "b=2; Max-Age=20", "c=3"], URL("http://example.org/"))
    clock.now += 11
    jar.save(tmp_path / "jar", form)
    clock.now += 5
    loaded = CookieJar()
    loaded.load(tmp_path / "jar")
    assert [morsel.key for morsel in loaded] == ["b", "c"]
    clock.now += 5
    assert [morsel.key for morsel in loaded] == ["c"]
    loaded.load(tmp_path / "jar")
    assert len(loaded) == 1


def test_loading_replaces_what_was_there_and_a_bad_file_changes_nothing(tmp_path: Path) -> None:
    jar = CookieJar()
    jar.update_cookies({"a": "1"})
    jar.save(tmp_path / "jar")
    jar.update_cookies({"b": "2"})
    version = jar.version
    jar.load(tmp_path / "jar")
    assert [morsel.key for morsel in jar] == ["a"]
    assert jar.version != version
    (tmp_path / "bad").write_text("{")
    with pytest.raises(ValueError, match="no file of cookies"):
        jar.load(tmp_path / "bad")
    with pytest.raises(FileNotFoundError):
        jar.load(tmp_path / "missing")
    assert [morsel.key for morsel in jar] == ["a"]


def test_only_two_formats_can_be_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="format"):
        CookieJar().save(tmp_path / "jar", format="yaml")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="files have no mode there")
@pytest.mark.parametrize("form", FORMATS)
def test_only_the_owner_may_read_the_file_whatever_mode_the_old_one_had(tmp_path: Path, form: Format) -> None:
    file = tmp_path / "jar"
    file.write_text("old")
    file.chmod(0o666)
    old = os.umask(0)
    try:
        CookieJar().save(file, form)
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["jar"]


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    (target / "inside").mkdir(parents=True)
    with pytest.raises(OSError):
        CookieJar().save(target)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    with pytest.raises(OSError):
        CookieJar().save(tmp_path / "missing" / "jar")


def test_json_of_the_same_layout_is_read(tmp_path: Path) -> None:
    entry = {"key": "a", "value": "1", "coded_value": "1", "path": "/x", "host_only": True, "domain": "example.org"}
    entry |= {"expires_timestamp": 4084683494.5, "httponly": True, "samesite": "Lax", "secure": True}
    place = {"a": entry}
    shared = {"s": {"key": "s", "value": "x y", "coded_value": '"x y"', "path": "/"}}
    (tmp_path / "jar").write_text(json.dumps({"|": shared, "example.org|/x": place}))
    jar = CookieJar()
    jar.load(tmp_path / "jar")
    assert jar.header_for("example.org", "/x", True) == 'a=1; s="x y"'
    assert jar.header_for("sub.example.org", "/x", True) == 's="x y"'
    assert [(morsel["httponly"], morsel["samesite"]) for morsel in jar if morsel.key == "a"] == [(True, "Lax")]


@pytest.mark.parametrize("by_path", [True, False])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickles_of_others_are_read_and_their_cookies_are_host_only(
    tmp_path: Path, clock: Clock, protocol: int, by_path: bool
) -> None:
    cookies: defaultdict[Any, SimpleCookie] = defaultdict(SimpleCookie)
    for domain in ("", "example.org"):
        kept = cookies[(domain, "") if by_path else domain]
        for name, attributes in (("a", {}), ("b", {"max-age": "10"}), ("c", {"expires": "Thu, 01 Jan 1970 00:00:01"})):
            kept[name] = f"{domain}1"
            kept[name].update({"domain": domain, "path": "/", "httponly": True, **attributes})  # type: ignore[arg-type]
    (tmp_path / "jar").write_bytes(pickle.dumps(cookies, protocol))
    jar = CookieJar()
    jar.load(tmp_path / "jar")
    assert jar.header_for("example.org", "/", False) == "a=example.org1; b=example.org1"
    assert jar.header_for("sub.example.org", "/", False) == "a=1; b=1"
    clock.now += 11
    assert jar.header_for("example.org", "/", False) == "a=example.org1"


class Evil:
    """An object whose unpickling calls a function."""

    def __init__(self, function: Any, *args: Any) -> None:
        self._call = (function, args)

    def __reduce__(self) -> Any:
        return self._call


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "function", [os.system, builtins.eval, builtins.getattr, pickle.loads, Path, os.rmdir], ids=lambda f: f.__name__
)
def test_a_pickle_that_calls_a_function_is_refused(tmp_path: Path, function: Any, protocol: int) -> None:
    (tmp_path / "target").mkdir()
    argument = {os.system: f"rmdir {tmp_path}/target", os.rmdir: str(tmp_path / "target")}.get(function, "x")
    (tmp_path / "jar").write_bytes(pickle.dumps({("", ""): Evil(function, argument)}, protocol))
    with pytest.raises(ValueError, match="has no place"):
        CookieJar().load(tmp_path / "jar")
    assert (tmp_path / "target").exists()


def _morsel(**state: Any) -> Morsel[str]:
    morsel: Morsel[str] = Morsel()
    attributes = state.pop("attributes", {})
    for name, value in {"_key": "a", "_value": "1", "_coded_value": "1", **state}.items():
        setattr(morsel, name, value)
    for name, value in attributes.items():
        dict.__setitem__(morsel, name, value)
    return morsel


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"\x80",
        b"\x80\x04.",
        b"\x80\x04N.",
        pickle.dumps([1]),
        pickle.dumps({1: {}}),
        pickle.dumps({("a", "b", "c"): {}}),
        pickle.dumps({("a", 1): {"a": 1}}),
        pickle.dumps({("a", ""): {"a": "not a morsel"}}),
        pickle.dumps({("a", ""): {"a": _morsel(_key="")}}),
        pickle.dumps({("a", ""): {"a": _morsel(_key=b"a")}}),
        pickle.dumps({("a", ""): {"a": _morsel(_value=1)}}),
        pickle.dumps({("a", ""): {"a": _morsel(_coded_value="a\r\nb")}}),
        pickle.dumps({("a", ""): {"a": _morsel(attributes={"path": "/\n"})}}),
        pickle.dumps({("a", ""): {"a": _morsel(attributes={"samesite": ["Lax"]})}}),
        b"null",
        b"[]",
        b"1",
        b"{}x",
        b'{"|": []}',
        b'{"|": {"a": []}}',
        b'{"|": {"a": {}}}',
        b'{"|": {"a": {"key": "a", "value": "1", "coded_value": "a\\u0000b"}}}',
        b'{"|": {"a": {"key": "a;", "value": "1", "coded_value": "1"}}}',
        b'{"|": {"a": {"key": "a", "value": 1, "coded_value": "1"}}}',
        b'{"|": {"a": {"key": "a", "value": "1", "coded_value": "1", "path": "x"}}}',
        b'{"|": {"a": {"key": "a", "value": "1", "coded_value": "1", "domain": "."}}}',
        b'{"|": {"a": {"key": "a", "value": "1", "coded_value": "1", "host_only": 1}}}',
        b'{"|": {"a": {"key": "a", "value": "1", "coded_value": "1", "expires_timestamp": "x"}}}',
        b'{"|": {"a": {"key": "a", "value": "1", "coded_value": "1", "expires_timestamp": NaN}}}',
        b'{"|": {"a": {"key": "a", "value": "1", "coded_value": "1", "expires_timestamp": 1e400}}}',
        b'{"|": {"a": {"key": "a", "value": "1", "coded_value": "1", "samesite": {}}}}',
        b"[" * 100_000,
        b"\xff\xfe",
        b"# Netscape HTTP Cookie File\n",
    ],
    ids=lambda contents: repr(contents)[:60],
)
def test_every_invalid_file_is_refused_with_a_value_error(tmp_path: Path, contents: bytes) -> None:
    (tmp_path / "jar").write_bytes(contents)
    jar = CookieJar()
    jar.update_cookies({"a": "1"})
    with pytest.raises(ValueError, match="no file of cookies"):
        jar.load(tmp_path / "jar")
    assert len(jar) == 1


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "jar"
    with file.open("wb") as handle:
        handle.truncate(files.MAX_FILE_SIZE + 1)
    with pytest.raises(ValueError, match="bytes"):
        CookieJar().load(file)
