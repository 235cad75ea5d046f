"""Accounts of platforms as the learning record knows them."""

from __future__ import annotations

from statements.data_types.identity import agent_key


def account_key(issuer: str, subject: str) -> str:
    """The identifier key of a platform's account."""
    key = agent_key({"account": {"homePage": issuer, "name": subject}})
    if key is None:
        raise ValueError("an account always identifies")
    return key
