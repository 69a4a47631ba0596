"""The certificates of a Teller that speaks TLS: an authority, the server's own, and one for the application.

Made from the seed, for this machine's addresses, good for decades: nothing here protects anything. Not here:
listening (`serve`), and refusing who shows none (`routes`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bank_sync.sandbox.world.dice import digest

_FROM, _UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)
_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the PEM files are."""

    authority: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


def write_certificates(folder: Path, seed: str) -> Certificates:
    """Make all certificates and write them into the folder; keys can be read by their owner alone."""
    names = ("authority.pem", "server.pem", "server-key.pem", "client.pem", "client-key.pem")
    paths = Certificates(*(folder / name for name in names))
    authority_key = _key(seed, "authority")
    authority = _certificate("Pretend Authority", authority_key, authority_key, is_authority=True)
    paths.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    for purpose, certificate, key_path in (
        ("127.0.0.1", paths.server, paths.server_key),
        ("Pretend Application", paths.client, paths.client_key),
    ):
        key = _key(seed, purpose)
        made = _certificate(purpose, key, authority_key)
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        _write_key(key_path, key)
    return paths


def _key(seed: str, purpose: str) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(digest(seed, "teller certificate", purpose)[:31]) + 1  # 31 bytes: below any order
    return ec.derive_private_key(number, ec.SECP256R1())


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool = False,
) -> x509.Certificate:
    own = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name("Pretend Authority"))
        .public_key(key.public_key())
        .serial_number(int.from_bytes(digest("certificate", name)[:8]) + 1)
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(issuer, critical=False)
        .add_extension(x509.SubjectAlternativeName(own), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(_OWNER_ONLY)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
