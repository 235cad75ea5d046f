"""The platform's signing keys: one that is published, one that never is (for the test bench)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key


class Key:
    """An RSA key pair of 2048 bits."""

    def __init__(self, pem: str | None = None) -> None:
        loaded: Any = (
            serialization.load_pem_private_key(pem.encode(), password=None)
            if pem
            else generate_private_key(public_exponent=65537, key_size=2048)
        )
        if not isinstance(loaded, RSAPrivateKey):
            raise TypeError("the platform signs with RSA keys only")
        self._private = loaded

    @cached_property
    def kid(self) -> str:
        """Key id: the start of the SHA-256 of the modulus."""
        modulus = self._private.public_key().public_numbers().n
        return hashlib.sha256(str(modulus).encode()).hexdigest()[:20]

    def pem(self) -> str:
        """The private key, for the LMS's own file."""
        return self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    def public_pem(self) -> bytes:
        """The public key; also the "secret" of the classic HS256 confusion attack."""
        return self._private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def jwk(self) -> dict[str, Any]:
        """The public key as a JSON Web Key."""
        value: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._private.public_key()))
        value.pop("key_ops", None)
        return {**value, "kid": self.kid, "alg": "RS256", "use": "sig"}

    def sign(self, claims: Mapping[str, Any], headers: Mapping[str, Any] | None = None) -> str:
        """A JWT signed RS256. A header whose value is None is left out."""
        given = {"kid": self.kid, **(headers or {})}
        return jwt.encode(
            dict(claims),
            self._private,
            algorithm="RS256",
            headers={name: value for name, value in given.items() if value is not None},
        )
