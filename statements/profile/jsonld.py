"""The profile as a machine-readable document: an xAPI Profile in JSON-LD, made from the table.

See the xAPI Profile Specification 1.0 (github.com/adlnet/xapi-profiles): concepts, then one statement
template for each form of learning, one for each decision.
"""

from __future__ import annotations

import json
from typing import Any, Final

from statements.profile import vocabulary as words
from statements.profile.table import Form, Table

PROFILE_CONTEXT: Final = "https://w3id.org/xapi/profiles/context"
ACTIVITY_CONTEXT: Final = "https://w3id.org/xapi/profiles/activity-context"
CONFORMS_TO: Final = "https://w3id.org/xapi/profiles#1.0"
MADE: Final = "2026-11-23T00:00:00Z"
"""When this version of the profile was made; it changes with `vocabulary.PROFILE_VERSION`."""

_EXTENSIONS: Final[tuple[tuple[str, str, str, str, dict[str, Any]], ...]] = (
    ("ResultExtension", words.JP_CLAIMED, "JP yang diklaim", "JP claimed", {"type": ["number", "string"]}),
    ("ResultExtension", words.JP_TABLE, "versi tabel JP", "version of the JP table", {"type": "string"}),
    ("ResultExtension", words.DAYS, "jumlah hari", "days", {"type": "integer", "minimum": 1}),
    ("ResultExtension", words.SESSIONS, "jumlah sesi", "sessions", {"type": "integer", "minimum": 1}),
    ("ResultExtension", words.SEMESTERS, "jumlah semester", "semesters", {"type": "integer", "minimum": 1}),
    ("ContextExtension", words.START, "hari pertama", "first day", {"type": "string", "format": "date"}),
    ("ContextExtension", words.END, "hari terakhir", "last day", {"type": "string", "format": "date"}),
    ("ContextExtension", words.ORGANISER, "penyelenggara", "organiser", {"type": "string"}),
    (
        "ContextExtension",
        words.EVENT_SCOPE,
        "lingkup acara",
        "scope of the event",
        {"enum": ["national", "international"]},
    ),
    (
        "ContextExtension",
        words.SOURCE,
        "sumber entri",
        "who reported it",
        {"enum": ["self", "mentor", "import", "system"]},
    ),
    (
        "ContextExtension",
        words.REPLACES,
        "pernyataan yang dikoreksi",
        "statement that is corrected",
        {"type": "string", "format": "uuid"},
    ),
    ("ContextExtension", words.CERTIFICATE, "nomor sertifikat", "certificate number", {"type": "string"}),
    ("ContextExtension", words.PLACE, "tempat", "place", {"type": "string"}),
    ("ContextExtension", words.ROLE, "peran", "role", {"type": "string"}),
    ("ContextExtension", words.COMPETENCY, "kompetensi", "competency", {"type": "string"}),
    (
        "ContextExtension",
        words.EVIDENCE,
        "tautan bukti",
        "links to evidence",
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"url": {"type": "string"}, "title": {"type": "string"}},
                "required": ["url"],
            },
        },
    ),
    (
        "ContextExtension",
        words.CHANNEL,
        "jalur keputusan",
        "how a decision was made",
        {"enum": sorted(words.CHANNELS)},
    ),
    (
        "ContextExtension",
        words.POSITION,
        "jabatan verifikator",
        "position of the verifier",
        {"type": "string"},
    ),
)


def profile_document(table: Table) -> dict[str, Any]:
    """The profile with the forms and pillars of `table`, as JSON-LD."""
    return {
        "@context": PROFILE_CONTEXT,
        "id": words.PROFILE,
        "type": "Profile",
        "conformsTo": CONFORMS_TO,
        "prefLabel": {"en": "Jejak 70-20-10", "id": "Jejak 70-20-10"},
        "definition": {
            "en": "Learning of civil servants on the job, from others and in courses. " + table.note["en"],
            "id": "Pembelajaran ASN di tempat kerja, dari orang lain, dan dalam pelatihan. "
            + table.note["id"],
        },
        "versions": [{"id": words.PROFILE_VERSION, "generatedAtTime": MADE}],
        "author": {"type": "Organization", "name": "Jejak", "url": "https://jejak.id"},
        "concepts": [*_types(), *_categories(table), *_extensions(), _usage()],
        "templates": [*(_form(form) for form in table.forms.values()), *_decisions()],
    }


def _scheme(kind: str, id: str, label: dict[str, str], definition: dict[str, str]) -> dict[str, Any]:
    return {
        "id": id,
        "type": kind,
        "inScheme": words.PROFILE_VERSION,
        "prefLabel": label,
        "definition": definition,
    }


def _types() -> list[dict[str, Any]]:
    form = {"en": "form of learning", "id": "bentuk pembelajaran"}
    pillar = {"en": "pillar", "id": "pilar"}
    return [
        _scheme("ActivityType", words.FORM_TYPE, form, form),
        _scheme("ActivityType", words.PILLAR_TYPE, pillar, pillar),
    ]


def _usage() -> dict[str, Any]:
    label = {"en": "evidence", "id": "bukti"}
    told = {"en": "A file that proves the learning.", "id": "Berkas yang membuktikan pembelajaran."}
    return _scheme("AttachmentUsageType", words.EVIDENCE_USAGE, label, told)


def _categories(table: Table) -> list[dict[str, Any]]:
    """The activities that name a form or a pillar among the categories of a statement."""
    named = [(words.FORMS + form.code, words.FORM_TYPE, form.name) for form in table.forms.values()]
    named += [(words.PILLARS + code, words.PILLAR_TYPE, name) for code, name in table.pillars.items()]
    return [
        {
            "id": id,
            "type": "Activity",
            "inScheme": words.PROFILE_VERSION,
            "activityDefinition": {"@context": ACTIVITY_CONTEXT, "name": dict(name), "type": kind},
        }
        for id, kind, name in named
    ]


def _extensions() -> list[dict[str, Any]]:
    made = []
    for kind, id, indonesian, english, schema in _EXTENSIONS:
        label = {"en": english, "id": indonesian}
        # The schema is a string in the document, as the specification wants it.
        inline = json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **schema})
        made.append({**_scheme(kind, id, label, label), "inlineSchema": inline})
    return made


def _form(form: Form) -> dict[str, Any]:
    rules: list[dict[str, Any]] = [
        _included("$.context.contextActivities.category[*].id", [words.FORMS + form.code]),
        _included(
            "$.context.contextActivities.category[*].id", [words.PILLARS + code for code in form.pillars]
        ),
        _included("$.object.definition.name"),
        _included("$.timestamp"),
    ]
    return {
        "id": f"{words.PROFILE}/templates/{form.code}",
        "type": "StatementTemplate",
        "inScheme": words.PROFILE_VERSION,
        "prefLabel": dict(form.name),
        "definition": {"en": f"{form.name['en']}, told of who learned.", "id": f"{form.name['id']}."},
        "verb": form.verb,
        "rules": [
            *rules,
            {"location": "$.object.definition.type", "presence": "recommended", "any": list(form.types)},
        ],
    }


def _decisions() -> list[dict[str, Any]]:
    made = []
    for decision, verb in words.DECISION_VERBS.items():
        label = dict(words.VERB_DISPLAY[verb])
        rules = [_included("$.object.objectType", ["StatementRef"])]
        if decision in words.NEEDS_REASON:
            rules.append(_included("$.result.response"))
        made.append(
            {
                "id": f"{words.PROFILE}/templates/{decision}",
                "type": "StatementTemplate",
                "inScheme": words.PROFILE_VERSION,
                "prefLabel": label,
                "definition": {
                    "en": "A verifier's decision about an entry that is not their own.",
                    "id": "Keputusan verifikator atas entri yang bukan miliknya.",
                },
                "verb": verb,
                "rules": rules,
            }
        )
    return made


def _included(location: str, any_of: list[str] | None = None) -> dict[str, Any]:
    rule: dict[str, Any] = {"location": location, "presence": "included"}
    if any_of is not None:
        rule["any"] = any_of
    return rule
