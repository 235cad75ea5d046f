"""The library stays behind one module, and what it would do wrong is not done here."""

from __future__ import annotations

import ast
from importlib.resources import files
from pathlib import Path

from lti_tool.refusals import Reason


def imports(path: Path) -> set[str]:
    """The top-level packages that a module imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_one_module_alone_knows_the_library() -> None:
    """pylti1p3 is imported by the adapter and by nothing else of the tool."""
    root = Path(str(files("lti_tool")))
    users = {path.name for path in root.rglob("*.py") if "pylti1p3" in imports(path)}
    assert users == {"adapter.py"}


def test_one_module_alone_talks_to_the_outside() -> None:
    """Every request to a platform goes through the guarded client of the record store."""
    network = {"requests", "urllib3", "socket", "httpx", "aiohttp"}
    tool = Path(str(files("lti_tool")))
    assert [path for path in tool.rglob("*.py") if network & imports(path)] == []
    outbound = Path(str(files("lrs.outbound")))
    users = {path.name for path in outbound.glob("*.py") if (network | {"http"}) & imports(path)}
    assert users <= {"http_client.py", "exchange.py"}


def test_every_refusal_has_its_own_code() -> None:
    """Codes are short, stable and never shared, so that a code names one reason."""
    codes = [reason.value.code for reason in Reason]
    assert len(set(codes)) == len(codes) == len(Reason.__members__)
    assert all(code.startswith("LTI-") and len(code) == 6 for code in codes)
    assert all(400 <= reason.value.status < 600 for reason in Reason)
