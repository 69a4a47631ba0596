"""The rest of Teller's surface: second questions at login, both forms of signature, client certificates."""

import base64
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bank_sync.providers.teller.certificate import client_certificate
from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.serve import RunningSandbox, running_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bank_sync_tests.sandbox.conftest import Desk, OpenDesk


@pytest.mark.parametrize(("username", "right"), [("otp", "0000"), ("challenge", "blue")])
def test_second_question(desk: "Desk", username: str, right: str) -> None:
    """The bank asks once more; a wrong answer is refused, the right one enrolls."""
    assert desk.teller_enroll(username)["error"]["code"] == "mfa_required"
    assert desk.teller_enroll(username, answer="red")["error"]["code"] == "bad_request"
    token = desk.teller_enroll(username, answer=right)["accessToken"]
    assert desk.teller(token, "/accounts").json()


def test_signature_over_the_message(open_desk: "OpenDesk") -> None:
    """Told to, Connect signs the message itself; a digest would not do for that signature."""
    desk = open_desk(SandboxConfig(teller_signs_digest=False))
    given = desk.teller_enroll(nonce="n")
    published = desk.client.get(f"{desk.url}/teller/connect/signing_key").json()["token_signing_key"]
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(published))
    parts = ("n", given["accessToken"], given["user"]["id"], given["enrollment"]["id"], "sandbox")
    signature = base64.b64decode(given["signatures"][0])
    key.verify(signature, ".".join(parts).encode())
    with pytest.raises(InvalidSignature):
        key.verify(signature, ".".join(("other", *parts[1:])).encode())


@pytest.fixture
def secured(tmp_path: Path) -> "Iterator[RunningSandbox]":
    """A sandbox that listens over TLS too and wants client certificates."""
    config = SandboxConfig(teller_requires_certificate=True)
    with running_sandbox(config, tls_folder=tmp_path) as sandbox:
        yield sandbox


def _token(sandbox: RunningSandbox) -> str:
    body = {"application_id": "app", "username": "maya", "password": "password"}
    answer = httpx.post(f"{sandbox.url}/teller/connect/enrollments", json=body, trust_env=False)
    return str(answer.json()["accessToken"])


def _trusting(sandbox: RunningSandbox) -> ssl.SSLContext:
    assert sandbox.certificates is not None
    return ssl.create_default_context(cafile=str(sandbox.certificates.authority))


def test_client_certificate(secured: RunningSandbox) -> None:
    """With the application's certificate Teller answers; without one it says what is missing."""
    auth, url = (_token(secured), ""), f"{secured.tls_url}/teller/accounts"
    context = _trusting(secured)
    refused = httpx.get(url, auth=auth, verify=context, trust_env=False)
    assert refused.status_code == 400
    assert refused.json()["error"]["message"].startswith("Missing certificate")
    assert secured.certificates is not None
    context.load_cert_chain(secured.certificates.client, secured.certificates.client_key)
    assert httpx.get(url, auth=auth, verify=context, trust_env=False).json()


def test_certificate_of_a_stranger(secured: RunningSandbox, tmp_path: Path) -> None:
    """A certificate of another authority does not get past the handshake."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    with running_sandbox(SandboxConfig(seed="another"), tls_folder=folder) as stranger:
        context = _trusting(secured)
        assert stranger.certificates is not None
        context.load_cert_chain(stranger.certificates.client, stranger.certificates.client_key)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{secured.tls_url}/teller/accounts", verify=context, trust_env=False)


def test_plain_connection_shows_nothing(secured: RunningSandbox) -> None:
    """Where a certificate is wanted, a connection without TLS is refused in the same words."""
    answer = httpx.get(f"{secured.url}/teller/accounts", auth=(_token(secured), ""), trust_env=False)
    assert answer.json()["error"]["code"] == "bad_request"


def test_files_fit_the_application(secured: RunningSandbox) -> None:
    """The application's own way of loading a certificate takes the pair."""
    assert secured.certificates is not None
    context = client_certificate(secured.certificates.client, secured.certificates.client_key)
    assert context.verify_mode is ssl.CERT_REQUIRED
