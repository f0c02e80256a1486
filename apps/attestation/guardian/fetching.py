"""Asks a guardian service what anybody may ask it: how it attests, and its metadata."""

import json
from dataclasses import dataclass

import requests

from apps.attestation.choices import MODES_BY_NUMBER
from apps.remoting.errors import BadReply, RemotingError, TooLarge, Unreachable

GET_INFO = "/Attestation/getinfo"
METADATA = "/KeyProtection/service/metadata/2014-07/metadata.xml"
#: Certificates with room to spare; real documents have some ten kilobytes.
MOST_BYTES = 1 << 20
TIMEOUT = (4, 10)


@dataclass(frozen=True)
class Answer:
    mode: str
    metadata: str


def fetch(url: str, name: str) -> Answer:
    """Both answers of the service at `url`. Raises RemotingError."""
    with requests.Session() as session:
        session.trust_env = False
        info = _get(session, f"{url}{GET_INFO}", name)
        metadata = _get(session, f"{url}{METADATA}", name)
    return Answer(_mode(info, name), _text(metadata, name))


def _get(session: requests.Session, url: str, name: str) -> bytes:
    try:
        with session.get(url, timeout=TIMEOUT, stream=True, allow_redirects=False) as answer:
            if answer.status_code != 200:
                raise BadReply(
                    f"{name} answered {answer.status_code} to {url}.",
                    hint="Check that the address is a Host Guardian Service’s.",
                )
            return _read(answer, name)
    except requests.RequestException as error:
        raise Unreachable(
            f"{name} can’t be reached at {url}.",
            step="http",
            hint="Check the address, that port 80 or 443 is open, and the certificate.",
        ) from error


def _read(answer: requests.Response, name: str) -> bytes:
    content = b""
    for part in answer.iter_content(65_536):
        content += part
        if len(content) > MOST_BYTES:
            raise TooLarge(f"{name} sent more than a guardian’s answer can be.")
    return content


def _mode(content: bytes, name: str) -> str:
    try:
        number = json.loads(content)["OperationMode"]
    except (ValueError, TypeError, KeyError) as error:
        raise _not_a_guardian(name) from error
    return MODES_BY_NUMBER.get(number, "") if isinstance(number, int) else ""


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_a_guardian(name) from error


def _not_a_guardian(name: str) -> RemotingError:
    return BadReply(
        f"{name} doesn’t answer as a Host Guardian Service does.",
        hint="Check that the address is a Host Guardian Service’s.",
    )
