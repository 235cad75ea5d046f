"""RSA keys for tests: making one takes a tenth of a second, so tests share a stock of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from jejak.demo.lms import keys as lms_keys
from lti_tool.platforms import tool_keys

_STOCK: list[rsa.RSAPrivateKey] = []


def from_stock() -> Callable[..., rsa.RSAPrivateKey]:
    """What makes keys, each other than the ones before; of another of these they may be the same."""
    given = iter(range(1_000_000))

    def next_key(public_exponent: int, key_size: int) -> rsa.RSAPrivateKey:
        number = next(given)
        if number == len(_STOCK):
            _STOCK.append(rsa.generate_private_key(public_exponent, key_size))
        return _STOCK[number]

    return next_key


_load = serialization.load_pem_private_key


@lru_cache(maxsize=64)
def _loaded(pem: bytes, password: bytes | None) -> Any:
    """A key read from its text: the check of one takes as long as making one."""
    return _load(pem, password)


@contextmanager
def shared_keys() -> Iterator[None]:
    """Inside this, the tool and the demo LMS take their keys from the stock."""
    make = from_stock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tool_keys, "rsa", SimpleNamespace(generate_private_key=make))
        patch.setattr(serialization, "load_pem_private_key", _loaded)
        patch.setattr(lms_keys, "generate_private_key", make)
        yield
