"""Answers are compressed for who takes that; the CSRF token in them is masked anew each time."""

import gzip

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_a_page_is_compressed_for_who_takes_it():
    plain = Client().get("/sign-in/")
    small = Client().get("/sign-in/", headers={"accept-encoding": "gzip"})

    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in small.headers["Vary"]
    assert b"</html>" in gzip.decompress(small.content) and b"</html>" in plain.content


def test_what_is_secret_in_a_page_isnt_the_same_twice():
    browser = Client()
    first, second = (
        browser.get("/sign-in/").context["csrf_token"] for _ in range(2)
    )  # what a page reflects can't be compared with it by its compressed size

    assert str(first) != str(second)
