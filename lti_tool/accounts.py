"""Accounts of platforms as the learning record knows them."""

from __future__ import annotations

from typing import Any

from statements.data_types.identity import agent_key


def account_key(issuer: str, subject: str) -> str:
    """The identifier key of a platform's account."""
    key = agent_key({"account": {"homePage": issuer, "name": subject}})
    if key is None:
        raise ValueError("an account always identifies")
    return key


def agent(issuer: str, subject: str, name: str) -> dict[str, Any]:
    """A person of a platform as an xAPI agent: the account is (issuer, sub), never a NIP."""
    found: dict[str, Any] = {"objectType": "Agent", "account": {"homePage": issuer, "name": subject}}
    return found | ({"name": name} if name else {})
