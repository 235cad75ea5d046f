"""The statements of the readers, built for each shape of question and kept.

A query answers with one row for a whole page: the numbers of all records as one text and their bytes
end to end. The driver gives up the interpreter lock at every row it steps to; with 32 threads reading
pages of 25, one row per page doubled the rate.

Joins are written as CROSS JOIN, which keeps SQLite to the written order: driven from the first key.
"""

# What is formatted into the statements is place holders and names of this file, never a value.
# ruff: noqa: S608

from __future__ import annotations

from functools import cache

FORMS = 64
"""More than there are forms of a body (see `body_dictionary`): so a size and a form fit in one number."""

PAGE = 128
"""Records or documents per statement, so that no answer grows without bound."""

Shape = tuple[int, ...]
"""For each key of a question, the one that drives it first, the number of terms of which any one will do."""

_SELECTED = "l.tenant AS t, l.hidden + 2 * l.form AS h, l.id AS i, l.digest AS d, l.terms AS k"
"""The columns that `_page_of` expects of the inner query, after `s` and before those of the body."""
_BODY = "l.body AS b, length(l.body) AS n"


def _body_within(mark: int) -> str:
    """The columns of a body, which is left out when it has more bytes than a parameter says.

    SQLite knows the size of a body without reading it.
    """
    return f"CASE WHEN length(l.body) > ?{mark} THEN x'' ELSE l.body END AS b, length(l.body) AS n"


def _page_of(inner: str) -> str:
    """The SQL that answers with one row for all records of the inner query."""
    return (
        "SELECT group_concat(s||','||t||','||h||','||length(d)||','||length(k)||','||n, ','),"
        " CAST(group_concat(CAST(i AS TEXT)||CAST(d AS TEXT)||CAST(k AS TEXT)||CAST(b AS TEXT), '') AS BLOB)"
        f" FROM ({inner})"
    )


def _walk(selected: str, shape: Shape, faceted: bool, ascending: bool, shown: str) -> str:
    """The records that are found by all keys, in order.

    With `faceted`, the last key is a facet, and is looked for in the index rows of the first.

    The parameters are all terms, two bounds and the limit. Where any of several terms drives the walk, walks
    of which each is in order are merged: SQLite reads each of them a match ahead, not to its end.
    """
    last = sum(shape)
    joins = condition = ""
    mark = shape[0]
    for n, size in enumerate(shape[1 : len(shape) - faceted], start=1):
        marks = ",".join(f"?{mark + each}" for each in range(1, size + 1))
        joins += f" CROSS JOIN log_index k{n} ON k{n}.stored = k0.stored AND k{n}.view = k0.view"
        joins += f" AND k{n}.term IN ({marks})"
        mark += size
    if faceted:
        found = (
            f"SELECT 1 FROM log_index f WHERE f.term = ?{last} AND f.stored = k0.stored AND f.view = k0.view"
        )
        condition = f" AND (k0.facet = ?{last} OR k0.facet IS NULL AND EXISTS ({found}))"
    walks = [
        f"SELECT {selected} FROM log_index k0{joins} CROSS JOIN log l ON l.stored = k0.stored"
        f" WHERE k0.term = ?{term} AND k0.stored BETWEEN ?{last + 1} AND ?{last + 2}{condition}{shown}"
        for term in range(1, shape[0] + 1)
    ]
    direction = "ASC" if ascending else "DESC"
    return f"{' UNION ALL '.join(walks)} ORDER BY s {direction} LIMIT ?{last + 3}"


@cache
def find_raw_page(shape: Shape, faceted: bool, ascending: bool) -> str:
    """As `find`, for a page that is sent as it is: places, ids, bodies with commas, least and most form."""
    selected = f"k0.stored AS s, l.id AS i, l.form AS f, {_body_within(sum(shape) + 4)}"
    return (
        f"SELECT group_concat(s||','||(n * {FORMS} + f), ','),"
        " CAST(group_concat(CAST(i AS TEXT), '') AS BLOB),"
        " CAST(group_concat(CAST(b AS TEXT), ',') AS BLOB), min(f), max(f)"
        f" FROM ({_walk(selected, shape, faceted, ascending, ' AND l.hidden = 0')})"
    )


COUNT_KEYS = (
    "(SELECT count(*) FROM (SELECT 1 FROM log_index WHERE term = ? AND stored BETWEEN ? AND ? LIMIT ?))"
)
COUNT_DOCUMENTS = "(SELECT count(*) FROM (SELECT 1 FROM document_key WHERE term = ? LIMIT ?))"
COUNT_DOCUMENTS_IN = (
    "(SELECT count(*) FROM (SELECT 1 FROM document_key WHERE term = ? AND scope = ? LIMIT ?))"
)


_SELECTED_HEAD = "l.tenant AS t, l.hidden AS h, l.id AS i, l.digest AS d, l.terms AS k, x'' AS b, 0 AS n"
"""The same without bodies."""


@cache
def by_id(count: int, bodies: bool) -> str:
    """The query for `count` records of one tenant by their ids."""
    marks = ",".join("?" * count)
    selected = f"{_SELECTED}, {_BODY}" if bodies else _SELECTED_HEAD
    return _page_of(
        f"SELECT l.stored AS s, {selected} FROM log l INDEXED BY log_id"
        f" WHERE l.tenant = ? AND l.id IN ({marks}) LIMIT {count}"
    )


@cache
def find(shape: Shape, faceted: bool, ascending: bool, include_hidden: bool) -> str:
    """The query driven from the first key, see `_walk`; without keys it walks the log itself.

    The last parameter is the size beyond which bodies are left out, see `_body_within`.
    """
    shown = "" if include_hidden else " AND l.hidden = 0"
    selected = f"{_SELECTED}, {_body_within(sum(shape) + 4)}"
    if shape:
        return _page_of(_walk(f"k0.stored AS s, {selected}", shape, faceted, ascending, shown))
    inner = f"SELECT l.stored AS s, {selected} FROM log l WHERE l.stored BETWEEN ?1 AND ?2{shown}"
    return _page_of(f"{inner} ORDER BY l.stored {'ASC' if ascending else 'DESC'} LIMIT ?3")


_DOCUMENT = (
    "SELECT json_group_array(json_array(scope, name, place, updated, etag, content_type, json(keys),"
    " length(body))), CAST(group_concat(CAST(body AS TEXT), '') AS BLOB) FROM "
)
_HEAD_COLUMNS = "d.scope, d.name, d.place, d.updated, d.etag, d.content_type, d.keys"


def _columns(bodies: bool) -> str:
    return _HEAD_COLUMNS + (", d.body" if bodies else ", x'' AS body")


@cache
def named(count: int, bodies: bool) -> str:
    """The query for `count` documents of one kind and scope by their names."""
    marks = ",".join("?" * count)
    return (
        f"{_DOCUMENT}(SELECT {_columns(bodies)} FROM document d INDEXED BY document_name"
        f" WHERE d.kind = ? AND d.scope = ? AND d.name IN ({marks}) LIMIT {count})"
    )


@cache
def find_documents(
    keys: int, every_scope: bool, since: bool, resumed: bool, descending: bool, bodies: bool
) -> str:
    """The query driven from the first key; without keys it walks kind and scope in order."""
    at = "k0" if keys else "d"
    direction = "DESC" if descending else "ASC"
    order = ["scope", "place", "name"] if every_scope else ["place", "name"]
    columns = ",".join(f"{at}.{column}" for column in order)
    source = "document d INDEXED BY document_place"
    conditions = []
    if keys:
        source = "document_key k0"
        for n in range(1, keys):
            source += (
                f" CROSS JOIN document_key k{n} ON k{n}.term = ?{n + 1} AND k{n}.scope = k0.scope"
                f" AND k{n}.place = k0.place AND k{n}.name = k0.name"
            )
        source += " CROSS JOIN document d ON d.number = k0.number"
        conditions.append("k0.term = ?1")
    else:
        conditions.append("d.kind = ?1")
    mark = max(keys, 1)
    if not every_scope:
        mark += 1
        conditions.append(f"{at}.scope = ?{mark}")
    if resumed:
        marks = ",".join(f"?{mark + n}" for n in range(1, len(order) + 1))
        mark += len(order)
        conditions.append(f"({columns}) {'<' if descending else '>'} ({marks})")
    if since:
        mark += 1
        conditions.append(f"d.updated > ?{mark}")
    ordered = ",".join(f"{at}.{column} {direction}" for column in order)
    return (
        f"{_DOCUMENT}(SELECT {_columns(bodies)} FROM {source} WHERE {' AND '.join(conditions)}"
        f" ORDER BY {ordered} LIMIT ?{mark + 1})"
    )
