"""`BasicAuth` and `encode_basic_auth`."""

import base64
import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from gazelle.auth import BasicAuth, encode_basic_auth, split_credentials

VISIBLE = st.text(st.characters(exclude_categories=["Cs", "Cc"]))
LATIN_1 = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]))


class Account(BasicAuth):
    """A subclass as users make them."""


def test_it_is_a_tuple_of_login_password_and_encoding() -> None:
    auth = BasicAuth("user", "pass")
    assert auth == ("user", "pass", "latin1")
    assert (auth.login, auth.password, auth.encoding) == ("user", "pass", "latin1")
    assert BasicAuth("user") == ("user", "", "latin1")
    assert {auth: "found"}[BasicAuth("user", "pass", "latin1")] == "found"


def test_it_survives_pickle_and_copy_with_its_class() -> None:
    auth = Account("user", "pass", "utf-8")
    for twin in (pickle.loads(pickle.dumps(auth)), copy.copy(auth), copy.deepcopy(auth)):
        assert twin == auth
        assert type(twin) is Account


def test_the_class_methods_make_instances_of_a_subclass() -> None:
    assert type(Account.decode("Basic dXNlcjpwYXNz")) is Account
    assert type(Account.from_url(URL("http://user@host"))) is Account
    assert type(Account("a")._replace(password="b")) is Account


def test_the_password_is_not_in_the_repr() -> None:
    assert repr(BasicAuth("user", "secret")) == "BasicAuth(login='user', password='***', encoding='latin1')"
    assert "secret" not in f"{BasicAuth('user', 'secret')}"


@pytest.mark.parametrize(("login", "password", "name"), [(None, "p", "login"), ("u", None, "password")])
def test_none_is_refused_by_name(login: str, password: str, name: str) -> None:
    with pytest.raises(ValueError, match=f"None is not allowed as {name} value"):
        BasicAuth(login, password)


@pytest.mark.parametrize(("login", "password", "name"), [(b"u", "p", "login"), ("u", b"p", "password")])
def test_bytes_are_refused_by_name(login: str, password: str, name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} should be a str, not bytes"):
        BasicAuth(login, password)


@pytest.mark.parametrize("make", [BasicAuth, encode_basic_auth])
def test_a_colon_is_refused_in_the_login_only(make: type[BasicAuth]) -> None:
    with pytest.raises(ValueError, match='":" is not allowed in login'):
        make("us:er", "pass")
    with pytest.raises(ValueError, match='":" is not allowed in login'):
        BasicAuth("user")._replace(login="us:er")
    assert BasicAuth.decode(BasicAuth("user", "pa:ss").encode()).password == "pa:ss"


@pytest.mark.parametrize("character", [*map(chr, range(0x20)), "\x7f"])
def test_a_control_character_is_refused_by_name(character: str) -> None:
    with pytest.raises(ValueError, match="control character is not allowed in login"):
        BasicAuth(f"us{character}er", "pass")
    with pytest.raises(ValueError, match="control character is not allowed in password"):
        encode_basic_auth("user", f"pass{character}")


@given(login=LATIN_1.filter(lambda text: ":" not in text), password=LATIN_1)
def test_what_was_encoded_decodes_to_the_same(login: str, password: str) -> None:
    auth = BasicAuth(login, password)
    assert BasicAuth.decode(auth.encode()) == auth


@given(login=VISIBLE.filter(lambda text: ":" not in text), password=VISIBLE)
def test_encode_basic_auth_is_utf8(login: str, password: str) -> None:
    field = encode_basic_auth(login, password)
    assert base64.b64decode(field.removeprefix("Basic ")).decode() == f"{login}:{password}"


@pytest.mark.parametrize(
    ("auth", "field"),
    [
        (BasicAuth("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),  # RFC 7617 §2
        (BasicAuth("test", "123£", "utf-8"), "Basic dGVzdDoxMjPCow=="),  # RFC 7617 §2.1
        (BasicAuth("", ""), "Basic Og=="),
    ],
)
def test_vectors_of_the_rfc(auth: BasicAuth, field: str) -> None:
    assert auth.encode() == field
    assert BasicAuth.decode(field, auth.encoding) == auth


def test_what_cannot_be_encoded_is_an_error_that_keeps_the_secret() -> None:
    with pytest.raises(ValueError, match="cannot be encoded in latin1, try encoding='utf-8'") as caught:
        BasicAuth("user", "sécret€").encode()
    assert "cret" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "field", ["basic dXNlcjpwYXNz", "BASIC dXNlcjpwYXNz", "Basic   dXNlcjpwYXNz ", "bAsIc dXNlcjpwYXNz"]
)
def test_decoding_is_not_fussy_about_case_and_spaces(field: str) -> None:
    assert BasicAuth.decode(field) == BasicAuth("user", "pass")


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("", "Could not parse"),
        ("Basic", "Could not parse"),
        ("Basic ", "Could not parse"),
        ("Bearer abc", "Unknown authorization method Bearer"),
        ("Basic dXNlcg==", "Invalid credentials"),
        ("Basic x!", "Invalid base64"),
        ("Basic dXNlcjpwYXNz dXNlcjpwYXNz", "Invalid base64"),
        ("Basic é", "Invalid base64"),
        ("Basic dXNlcjpwYQ", "Invalid base64"),
        ("Basic dXNlcjoA", "control character"),
    ],
)
def test_what_is_no_basic_authentication_is_a_value_error(field: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BasicAuth.decode(field)


def test_bytes_of_another_encoding_are_a_value_error_that_keeps_the_secret() -> None:
    field = BasicAuth("user", "secr\xe9t").encode()
    with pytest.raises(ValueError, match="not encoded in utf-8") as caught:
        BasicAuth.decode(field, "utf-8")
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("url", "auth"),
    [
        ("http://host", None),
        ("http://user@host", BasicAuth("user", "")),
        ("http://:pass@host", BasicAuth("", "pass")),
        ("http://user:pa%3Ass@host", BasicAuth("user", "pa:ss")),
        ("http://us%40er:p%2Fw@host", BasicAuth("us@er", "p/w")),
    ],
)
def test_credentials_of_a_url_are_decoded(url: str, auth: BasicAuth | None) -> None:
    assert BasicAuth.from_url(URL(url)) == auth


@pytest.mark.parametrize("url", ["http://us%3Aer:pass@host", "http://user:pa%0Ass@host"])
def test_bad_credentials_of_a_url_are_a_value_error(url: str) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        BasicAuth.from_url(URL(url))


def test_from_url_wants_a_url() -> None:
    with pytest.raises(TypeError, match="should be yarl"):
        BasicAuth.from_url("http://user@host")  # type: ignore[arg-type]  # that it is refused is the point


@pytest.mark.parametrize(
    ("url", "bare", "auth"),
    [
        ("http://host/x", "http://host/x", None),
        ("http://user:pass@host:81/x#f", "http://host:81/x#f", BasicAuth("user", "pass")),
        ("http://%E2%82%AC@host", "http://host", BasicAuth("€", "", "utf-8")),
    ],
)
def test_a_url_is_split_into_its_address_and_its_credentials(url: str, bare: str, auth: BasicAuth | None) -> None:
    assert split_credentials(URL(url)) == (URL(bare), auth)


def test_an_empty_userinfo_is_taken_off_as_well() -> None:
    assert split_credentials(URL("http://@host/x", encoded=True)) == (URL("http://host/x"), None)
