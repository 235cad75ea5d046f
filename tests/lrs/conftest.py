"""A store in memory, the xAPI over it, and a client that may do everything in the tenant "one"."""

from __future__ import annotations

import pytest

from lrs.http.xapi.application import XapiApplication
from lrs.http.xapi.services import Limits
from lrs.store.memory import MemoryData, MemoryStore
from lrs.store.port import Store
from tests.lrs.client import Client
from tests.serving import application

LIMITS = Limits(
    max_body_bytes=200_000,
    max_attachment_bytes=2_000_000,
    max_batch=50,
    max_depth=20,
    page_size=5,
    page_size_max=10,
)


@pytest.fixture
def store() -> Store:
    return MemoryStore(MemoryData())


@pytest.fixture
def xapi(store: Store) -> XapiApplication:
    return application(store, limits=LIMITS)


@pytest.fixture
def client(xapi: XapiApplication, store: Store) -> Client:
    return Client(xapi, None).as_(store, "all", name="everything")
