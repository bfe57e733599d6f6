"""The owner's signing keys: one to sign with, all earlier ones to verify with.

A key is made when it is first needed. Its certificate is signed by a root of its own, whose private
key is thrown away at once: nobody, we included, can make a second certificate under it, so trusting
the root is trusting this one key. What is below ``folder``:

    keys/ID/chain.pem   the certificate and its root; kept for good
    keys/ID/key.pem     the private key (mode 600); deleted when the key is retired
    keys/ID/mark        what the signs of watermarks are drawn from (mode 600); kept to find them
    trusted.pem         certificates of others that the owner trusts

C2PA takes ES256 and demands that the certificate is not its own root, carries an organisation, the
use "digital signature" and one of the extended uses it lists
(https://spec.c2pa.org/specifications/specifications/2.2/specs/C2PA_Specification.html#x509_certificates).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gnomon.errors import ConfigError, InputError, NotFound, StoreError

ORGANIZATION = "gnomon (self-hosted)"
VALID_DAYS = 3653
"""A manifest without a time-stamp of a third party is judged by the time of reading: it turns
invalid when the certificate runs out. Ten years, then, and a key is retired by its owner, not by
the calendar."""
ID_CHARS = 16
MAX_TRUSTED_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Key:
    """``id`` is the beginning of the SHA-256 of the public key (SubjectPublicKeyInfo, DER).
    ``chain`` is PEM, the certificate before its root; ``private`` PEM, "" where it was retired;
    ``mark`` is the secret of its watermarks.
    Times are epoch seconds."""

    id: str
    chain: str
    private: str
    since: float
    until: float
    mark: bytes = b""

    @property
    def retired(self) -> bool:
        return not self.private

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificates(self.chain.encode())[0]

    @property
    def root(self) -> str:
        """The root as PEM: what others put on their trust list."""
        last = x509.load_pem_x509_certificates(self.chain.encode())[-1]
        return last.public_bytes(Encoding.PEM).decode("ascii")

    @property
    def public(self) -> str:
        """The public key as PEM: all that verifying a receipt needs."""
        spki = self.certificate.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
        return spki.decode("ascii")

    def __repr__(self) -> str:
        return f"Key({self.id!r}, retired={self.retired})"


class Keys:
    """The keys below ``folder``. Several processes may use one folder at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[Key]:
        """Every key that there ever was: the one in use, then the others, the newest first."""
        places = sorted((self.folder / "keys").glob("*/chain.pem"))
        held = [_load(place.parent) for place in places]
        return sorted(held, key=lambda key: (key.retired, -key.since))

    def current(self, now: float) -> Key:
        """The key to sign with; made here where there is none yet, or the last one has run out.

        Raises StoreError where it cannot be written, ConfigError where a key cannot be read.
        """
        found = self._usable(now)
        if found is not None:
            return found
        with self._locked():
            return self._usable(now) or self._make(now)

    def rotate(self, now: float) -> Key:
        """A new key in place of the current one, whose private half is deleted; what it signed
        goes on being verified. Raises StoreError."""
        with self._locked():
            made = self._make(now)
            for key in self.all():
                if key.id != made.id:
                    self._retire(key.id)
        return made

    def withdraw(self, id: str) -> None:
        """Trust a key of our own no longer, as after a theft: what it signed becomes "valid" (the
        signature of somebody unknown). Raises NotFound."""
        with self._locked():
            place = self.folder / "keys" / id
            if not id.isalnum() or not (place / "chain.pem").is_file():
                raise NotFound(f"There is no key {id[:40]!r} here; `gnomon provenance` lists them.")
            shutil.rmtree(place)

    def trusted(self) -> str:
        """The certificates on the owner's trust list, as PEM; "" where there are none.

        Raises ConfigError where the list cannot be used.
        """
        path = self.folder / "trusted.pem"
        if not path.is_file():
            return ""
        if path.stat().st_size > MAX_TRUSTED_BYTES:
            raise ConfigError(
                f"{path} is over {MAX_TRUSTED_BYTES:,} bytes; shorten the trust list."
            )
        text = path.read_text(encoding="utf-8", errors="replace")
        if not text.strip():
            return ""
        return _certificates(
            text,
            ConfigError(f"{path} holds no certificate in PEM that can be read; mend or remove it."),
        )

    def trust(self, pem: str) -> int:
        """Add certificates (PEM) to the trust list; how many are on it now. Raises InputError."""
        added = _certificates(
            pem,
            InputError(
                "That is no certificate in PEM; give a file with -----BEGIN CERTIFICATE-----."
            ),
        )
        with self._locked():
            held = (
                x509.load_pem_x509_certificates(self.trusted().encode()) if self.trusted() else []
            )
            new = [c for c in x509.load_pem_x509_certificates(added.encode()) if c not in held]
            text = "".join(c.public_bytes(Encoding.PEM).decode("ascii") for c in held + new)
            _write(self.folder / "trusted.pem", text, 0o644)
        return len(held) + len(new)

    # -- below ------------------------------------------------------------------------------
    def _usable(self, now: float) -> Key | None:
        return next(
            (k for k in self.all() if not k.retired and k.since <= now + 300 and now < k.until),
            None,
        )

    def _make(self, now: float) -> Key:
        chain, private, name = _new_chain(now)
        keys = self.folder / "keys"
        staged = Path(tempfile.mkdtemp(prefix=".new-", dir=keys))
        try:
            _write(staged / "key.pem", private, 0o600)
            _write(staged / "mark", secrets.token_hex(32), 0o600)
            _write(staged / "chain.pem", chain, 0o644)
            os.rename(staged, keys / name)
        except OSError as error:
            shutil.rmtree(staged, ignore_errors=True)
            raise StoreError(f"No signing key could be written below {keys} ({error}).") from error
        return _load(keys / name)

    def _retire(self, id: str) -> None:
        (self.folder / "keys" / id / "key.pem").unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            (self.folder / "keys").mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"No signing key can be kept below {self.folder} ({error})."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _load(place: Path) -> Key:
    try:
        chain = (place / "chain.pem").read_text(encoding="ascii")
        private = place / "key.pem"
        secret = private.read_text(encoding="ascii") if private.is_file() else ""
        seed = place / "mark"
        mark = bytes.fromhex(seed.read_text(encoding="ascii")) if seed.is_file() else b""
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
        if secret:
            load_pem_private_key(secret.encode(), None)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The signing key in {place} cannot be read ({error}); put it back, or remove the "
            "folder and a new key is made."
        ) from error
    since, until = leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp()
    return Key(place.name, chain, secret, since, until, mark)


def _new_chain(now: float) -> tuple[str, str, str]:
    """Chain and private key as PEM, and the key's id."""
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key_id = hashlib.sha256(spki).hexdigest()[:ID_CHARS]
    root_name, name = (_name(f"{role} {key_id}") for role in ("gnomon root", "gnomon"))
    since = datetime.fromtimestamp(int(now), UTC)
    until = since + timedelta(days=VALID_DAYS)

    def begun(
        subject: x509.Name, public: ec.EllipticCurvePublicKey, ca: bool
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(
                root_name, subject, public, x509.random_serial_number(), since, until
            )
            .add_extension(x509.BasicConstraints(ca, 0 if ca else None), critical=True)
            .add_extension(_usage(ca), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )

    root = begun(root_name, root_key.public_key(), True).sign(root_key, hashes.SHA256())
    leaf = (
        begun(name, key.public_key(), False)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()),
            critical=False,
        )
        .sign(root_key, hashes.SHA256())
    )
    chain = "".join(c.public_bytes(Encoding.PEM).decode("ascii") for c in (leaf, root))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    return chain, private, key_id


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _certificates(text: str, wrong: Exception) -> str:
    try:
        found = x509.load_pem_x509_certificates(text.encode("utf-8", "replace"))
    except ValueError as error:
        raise wrong from error
    return "".join(c.public_bytes(Encoding.PEM).decode("ascii") for c in found)


def _write(path: Path, text: str, mode: int) -> None:
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    opened = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(opened, "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(staged, path)
