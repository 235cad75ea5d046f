"""Deep Linking 2.0, the return: the tool's JWT becomes activities of the course."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, render_template, request

from jejak.demo.lms.config import Tool
from jejak.demo.lms.memory import LineItem, Link, Memory, memory
from jejak.demo.lms.message import CLAIM
from jejak.demo.lms.people import BY_ID
from jejak.demo.lms.tools import ToolRefusedError, verify_tool_token

deeplink = Blueprint("deeplink", __name__)
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
MAX_ITEMS = 50


@deeplink.post("/mod/lti/contentitem_return.php")
def returned() -> str | tuple[str, int]:
    """Take the content items. Several are shown for confirmation first, as in Moodle."""
    mind = memory()
    person = request.args.get("as", "")
    tool = mind.tools.get(request.args.get("id", 0, type=int))
    if tool is None or person not in BY_ID or not BY_ID[person].instructor:
        return render_template(
            "message.html", title="No such tool", text="This return address is not valid."
        ), 400
    try:
        facts = verify_tool_token(mind, tool, request.form.get("JWT", ""), [mind.config.url])
        items = _items(mind, tool, facts)
    except ToolRefusedError as refusal:
        text = str(refusal)
        return render_template("message.html", title="The tool's answer was refused", text=text), 400
    if len(items) > 1 and request.form.get("confirmed") != "yes":
        with mind.lock:
            # The confirmation sends the same token again; its nonce must still be fresh then.
            mind.seen_nonces.pop((tool.client_id, str(facts.get("nonce"))), None)
        return render_template(
            "confirm.html", items=items, token=request.form["JWT"], action=request.full_path, tool=tool
        )
    with mind.lock:
        for item in items:
            _add(mind, tool, item)
        mind.save()
    return render_template("done.html", url=f"/course/view.php?id={mind.course.id}&as={person}")


def _items(mind: Memory, tool: Tool, facts: dict[str, Any]) -> list[dict[str, Any]]:
    if facts.get(CLAIM + "message_type") != "LtiDeepLinkingResponse":
        raise ToolRefusedError("The message is no LtiDeepLinkingResponse.")
    if facts.get(CLAIM + "version") != "1.3.0":
        raise ToolRefusedError("The LTI version is not 1.3.0.")
    if facts.get(CLAIM + "deployment_id") != tool.deployment_id:
        raise ToolRefusedError("The deployment is not this one.")
    if DL + "data" in facts:
        raise ToolRefusedError("The request had no data, so the answer may have none.")
    nonce = facts.get("nonce")
    with mind.lock:
        if not isinstance(nonce, str) or not mind.first_use(tool.client_id, nonce):
            raise ToolRefusedError("The nonce is missing or was used before.")
    items = facts.get(DL + "content_items", [])
    if not isinstance(items, list) or len(items) > MAX_ITEMS:
        raise ToolRefusedError("The content items are no list, or too many.")
    for item in items:
        if not isinstance(item, dict) or item.get("type") != "ltiResourceLink":
            raise ToolRefusedError("A content item is no ltiResourceLink.")
        url = item.get("url")
        if url is not None and urlsplit(str(url)).netloc != tool.host:
            raise ToolRefusedError("A content item leads to another site than the tool's.")
    return items


def _add(mind: Memory, tool: Tool, item: dict[str, Any]) -> None:
    custom = item.get("custom") or {}
    link = Link(
        mind.number(),
        tool.type_id,
        str(item.get("title") or tool.name)[:200],
        str(item.get("url") or ""),
        str(item.get("text") or "")[:2000],
        {str(name): str(value) for name, value in custom.items()} if isinstance(custom, dict) else {},
    )
    mind.add_link(link)
    column = item.get("lineItem")
    if isinstance(column, dict):
        maximum = column.get("scoreMaximum")
        number = mind.number()
        mind.items[number] = LineItem(
            number,
            tool.type_id,
            str(column.get("label") or link.title)[:200],
            float(maximum) if isinstance(maximum, int | float) and maximum > 0 else 100.0,
            link_id=link.id,
            resource_id=str(column.get("resourceId") or ""),
            tag=str(column.get("tag") or ""),
            coupled=True,
        )
