"""What the site adds to the pages as GitHub shows them; MkDocs calls these functions.

Links that lead out of docs/ go to the repository, the reference of the commands is written from their help, and Mermaid
is drawn when the site is built, so that a reader's browser fetches nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

import click
import mermaidx
import typer.main

from gemini_realtime.cli.commands import app

OUTWARD = re.compile(r"\]\((?P<target>\.\./[^)#\s]+)(?P<anchor>#[^)]*)?\)")
COMMANDS = "<!-- commands -->"
MERMAID = re.compile(r"^```mermaid\n(?P<source>.*?)^```$", re.DOTALL | re.MULTILINE)


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Draw the diagrams of a page and lead its outward links to the repository."""
    here = posixpath.dirname(page.file.src_uri)

    def outward(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join("docs", here, link["target"]))
        if target.startswith("docs/"):
            return link[0]
        kind = "blob" if posixpath.splitext(target)[1] else "tree"
        return f"]({config['extra']['repository']}/{kind}/main/{target}{link['anchor'] or ''})"

    if COMMANDS in markdown:
        markdown = markdown.replace(COMMANDS, "\n".join(commands()))
    return MERMAID.sub(drawing, OUTWARD.sub(outward, markdown))


def drawing(block: re.Match[str]) -> str:
    """A Mermaid diagram as SVG, on one line: Markdown ends a block of HTML at an empty one."""
    svg = str(mermaidx.render(block["source"]).svg())
    return f'<div class="drawing">{" ".join(svg.split())}</div>'


def commands() -> Iterator[str]:
    """Every command with its help, as Markdown."""
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        context = click.Context(command, info_name=f"gemini-realtime {name}")
        usage = " ".join(command.collect_usage_pieces(context))
        yield f"## {name}\n\n```console\n$ gemini-realtime {name} {usage}\n```\n\n{plain(command.help)}\n"
        records = [record for parameter in command.params if (record := parameter.get_help_record(context))]
        if records:
            yield "| option | meaning |\n| --- | --- |"
        for names, meaning in records:
            yield f"| `{cell(names)}` | {cell(meaning)} |"
        if examples := re.findall(r"^.*\bgemini-realtime .*$", plain(command.epilog), re.MULTILINE):
            yield "\n".join(["\n```console", *(f"$ {line}" for line in examples), "```\n"])


def plain(text: str | None) -> str:
    """Help without the marks of rich."""
    return re.sub(r"\[/?bold\]", "", text or "").replace("\\[", "[")


def cell(text: str) -> str:
    """The same, for a table."""
    return plain(text).replace("|", "\\|")
