"""Errors of requests and responses: bases, attributes and texts."""

import pytest
from yarl import URL

from gazelle import errors

from .samples import INFO


@pytest.mark.parametrize(
    ("cls", "bases"),
    [
        (errors.ClientPayloadError, (errors.ClientError,)),
        (errors.UploadAbortedError, (errors.ClientError,)),
        (errors.InvalidURL, (errors.ClientError, ValueError)),
        (errors.InvalidUrlClientError, (errors.InvalidURL,)),
        (errors.InvalidUrlRedirectClientError, (errors.InvalidUrlClientError, errors.RedirectClientError)),
        (errors.NonHttpUrlClientError, (errors.ClientError,)),
        (errors.NonHttpUrlRedirectClientError, (errors.NonHttpUrlClientError, errors.RedirectClientError)),
        (errors.RedirectClientError, (errors.ClientError,)),
        (errors.ContentTypeError, (errors.ClientResponseError,)),
        (errors.WSServerHandshakeError, (errors.ClientResponseError,)),
        (errors.ClientHttpProxyError, (errors.ClientResponseError,)),
        (errors.TooManyRedirects, (errors.ClientResponseError,)),
        (errors.ClientResponseError, (errors.ClientError,)),
        (errors.WSMessageTypeError, (TypeError,)),
    ],
)
def test_a_class_is_caught_by_each_of_its_bases(cls: type[Exception], bases: tuple[type[Exception], ...]) -> None:
    for base in bases:
        assert issubclass(cls, base)


def test_a_response_error_tells_status_message_and_url() -> None:
    error = errors.ClientResponseError(INFO, (), status=404, message="Not Found")
    assert str(error) == "404, message='Not Found', url='http://example.org/x#part'"
    assert repr(error) == f"ClientResponseError({INFO!r}, (), status=404, message='Not Found')"
    assert error.args == (INFO, ())
    assert error.request_info is INFO
    assert error.history == ()
    assert error.headers is None


def test_a_response_error_without_details_has_status_zero() -> None:
    error = errors.ClientResponseError(INFO, ())
    assert error.status == 0
    assert error.message == ""
    assert str(error) == "0, message='', url='http://example.org/x#part'"


def test_code_is_a_deprecated_alias_of_status() -> None:
    with pytest.warns(DeprecationWarning, match="use status"):
        error = errors.ClientResponseError(INFO, (), code=404)
    assert error.status == 404
    with pytest.warns(DeprecationWarning, match="use status"):
        assert error.code == 404
    with pytest.warns(DeprecationWarning, match="use status"):
        error.code = 410
    assert error.status == 410


def test_the_deprecation_warning_points_at_the_line_that_reads_code() -> None:
    error = errors.ClientResponseError(INFO, (), status=404)
    with pytest.warns(DeprecationWarning, match="use status") as caught:
        _ = error.code
    assert caught[0].filename == __file__


def test_code_and_status_together_are_refused() -> None:
    with pytest.raises(ValueError, match="pass status only"):
        errors.ClientResponseError(INFO, (), code=404, status=404)


def test_an_invalid_url_keeps_the_url_as_it_was_given() -> None:
    url = URL("http://")
    assert errors.InvalidURL(url).url is url
    assert errors.InvalidURL("http://[").url == "http://["
    assert errors.InvalidURL("http://[").args == ("http://[",)
    error = errors.InvalidURL("http://[", "no such host")
    assert (error.description, str(error)) == ("no such host", "http://[ - no such host")
    assert repr(error) == "<InvalidURL http://[ - no such host>"


def test_an_error_about_a_url_is_one_line_that_can_be_written_anywhere() -> None:
    url = "http://host/ä\r\nINFO: all is well\ud800"
    error = errors.InvalidURL(url, "no URL")
    assert str(error) == "http://host/ä\\r\\nINFO: all is well\\ud800 - no URL"
    assert str(errors.InvalidURL(url)) == "http://host/ä\\r\\nINFO: all is well\\ud800"
    assert error.url == url
