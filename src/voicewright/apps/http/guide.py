"""The API's own page of documentation: one plain page, made from its OpenAPI description, nothing loaded from afar."""

from collections.abc import Mapping
from html import escape
from typing import Any

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "code{font-size:.95em}h3{margin:1.5em 0 .2em}p{margin:.2em 0}pre{overflow:auto}"
)


def guide(description: Mapping[str, Any]) -> str:
    """An HTML page of every route: what it does, what it takes."""
    parts = [f"<h1>{escape(description['info']['title'])} HTTP API</h1>"]
    parts.append('<p>The same for machines: <a href="/api/v1/openapi.json">openapi.json</a></p>')
    schemas = description.get("components", {}).get("schemas", {})
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            parts.append(f"<h3><code>{method.upper()} {escape(path)}</code></h3>")
            parts.append(f"<p>{escape(operation.get('description', ''))}</p>")
            parts += _parameters(operation)
            parts += _body(operation, schemas)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
    return (
        f'<!doctype html><html lang="en"><head><title>HTTP API</title>{head}</head><body>{"".join(parts)}</body></html>'
    )


def _parameters(operation: Mapping[str, Any]) -> list[str]:
    rows = operation.get("parameters", [])
    names = ", ".join(f"<code>{escape(row['name'])}</code> ({escape(row['in'])})" for row in rows)
    return [f"<p>Takes {names}.</p>"] if names else []


def _body(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {})
    found = []
    for kind, media in content.items():
        name = media.get("schema", {}).get("$ref", "").rpartition("/")[2]
        fields = schemas.get(name, {}).get("properties", {})
        needed = set(schemas.get(name, {}).get("required", ()))
        items = "".join(
            f"<li><code>{escape(field)}</code>{'' if field in needed else ' (optional)'} "
            f"{escape(str(facts.get('description', '')))}</li>"
            for field, facts in fields.items()
        )
        found.append(f"<p>Body: <code>{escape(kind)}</code></p><ul>{items}</ul>")
    return found
