"""Lesson Markdown → clean HTML. Cells, quizzes, widgets and pictures leave a slot each, which the page fills."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

from lessons.schema import Quiz
from webapp.catalog.cleaning import clean
from webapp.catalog.contexts import TocEntry
from webapp.catalog.fences import CellSource, FenceError, WidgetSource, cell_session, quiz_parse, widget_parse

CALLOUTS = ("note", "tip", "warning", "danger", "example")
SLOT = re.compile(r'<(div|span) data-slot="((?:cell|quiz|widget|picture)-[a-z0-9-]+)">([^<]*)</\1>')
HEADINGS = ("h2", "h3", "h4")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSource:
    """`address` as the author wrote it; only one that the loader has checked is shown."""

    address: str
    alt: str
    title: str


@dataclass(slots=True, kw_only=True)
class Document:
    """A rendered text. `html` still has its slots; `problems` are for the author."""

    html: str = ""
    toc: list[TocEntry] = field(default_factory=list)
    cells: list[CellSource] = field(default_factory=list)
    quizzes: dict[str, Quiz] = field(default_factory=dict)
    widgets: list[WidgetSource] = field(default_factory=list)
    pictures: list[PictureSource] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    has_math: bool = False
    has_mermaid: bool = False


@lru_cache(maxsize=256)
def render(text: str) -> Document:
    """Cached by content; treat what it returns as read-only."""
    document = Document()
    parser = make_parser()
    env: dict[str, Any] = {"document": document}
    tokens = parser.parse(text, env)
    document.toc = toc_of(tokens)
    link_headings(tokens)
    class_columns(tokens)
    document.html = clean(parser.renderer.render(tokens, parser.options, env))
    document.has_math = 'class="math ' in document.html
    return document


@lru_cache(maxsize=1024)
def render_inline(text: str) -> str:
    """One paragraph without its <p>: questions and options of a quiz."""
    return clean(make_parser().renderInline(text))


def fill_slots(html: str, fill: Callable[[str], str]) -> str:
    """Put `fill("cell-0")` and so on into the slots. A picture's holds its text, which stays where none fills it."""
    return SLOT.sub(lambda found: fill(found[2]), html)


def make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
    parser.use(front_matter_plugin).use(footnote_plugin).use(dollarmath_plugin, allow_space=False, double_inline=True)
    parser.use(anchors_plugin, min_level=2, max_level=4, slug_func=slug)
    for kind in CALLOUTS:
        parser.use(container_plugin, name=kind, render=callout_rule(kind))
    parser.add_render_rule("fence", render_fence)
    parser.add_render_rule("image", render_picture)
    parser.add_render_rule("math_inline_double", render_display_math)
    return parser


def slug(title: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", title.lower())) or "section"


def toc_of(tokens: Sequence[Token]) -> list[TocEntry]:
    entries = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag in HEADINGS[:2]:
            text = "".join(child.content for child in inline.children or [])
            entries.append(TocEntry(level=int(opening.tag[1]), id=str(opening.attrGet("id")), text=text))
    return entries


def link_headings(tokens: Sequence[Token]) -> None:
    """Each heading is a link to itself, so that its address can be copied; one that holds a link already stays."""
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open" or opening.tag not in HEADINGS:
            continue
        children = inline.children or []
        if any(child.type in ("link_open", "footnote_ref", "image") for child in children):
            continue
        start = Token("link_open", "a", 1, attrs={"class": "anchor", "href": f"#{opening.attrGet('id')}"})
        inline.children = [start, *children, Token("link_close", "a", -1)]


def class_columns(tokens: Sequence[Token]) -> None:
    """A column's alignment as a class: the site's policy refuses style attributes."""
    for token in tokens:
        style = token.attrs.pop("style", "") if token.type in ("th_open", "td_open") else ""
        if style:
            token.attrJoin("class", str(style).replace("text-align:", "align-"))


def callout_rule(kind: str) -> Callable[..., str]:
    def rule(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        if tokens[index].nesting < 0:
            return "</aside>\n"
        title = tokens[index].info.strip().removeprefix(kind).strip() or kind.capitalize()
        return f'<aside class="callout {kind}" role="note">\n<p class="callout-title">{escape(title)}</p>\n'

    return rule


def render_display_math(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """$$…$$ inside a paragraph: a span, because a <div> would end the paragraph."""
    return f'<span class="math block">{escape(tokens[index].content)}</span>'


def render_picture(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Mapping[str, Any]
) -> str:
    """Its text, in a slot that the page of a lesson fills with the picture."""
    token, document = tokens[index], env.get("document")
    alt = renderer.renderInlineAsText(token.children or [], options, env)  # type: ignore[arg-type]
    if document is None:
        return escape(alt)
    address, title = str(token.attrGet("src") or ""), str(token.attrGet("title") or "")
    document.pictures.append(PictureSource(address=address, alt=alt, title=title))
    return f'<span data-slot="picture-{len(document.pictures) - 1}">{escape(alt)}</span>'


def render_fence(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Mapping[str, Any]
) -> str:
    token, document = tokens[index], env.get("document")
    info = token.info.strip()
    try:
        slot = slot_of(info, token.content, document) if document is not None else None
    except FenceError as error:
        document.problems.append(str(error))  # type: ignore[union-attr]  # only raised with a document
        return '<aside class="callout danger" role="note"><p>This part of the lesson is broken.</p></aside>\n'
    if slot is not None:
        return f'<div data-slot="{slot}"></div>\n'
    if info == "mermaid" and document is not None:
        document.has_mermaid = True
        return f'<pre class="mermaid" tabindex="0">{escape(token.content)}</pre>\n'
    return code_block(token.content, info.split()[0] if info else "")


def slot_of(info: str, content: str, document: Document) -> str | None:
    """Remember a cell, quiz or widget and name its slot; None for an ordinary fence. Raises FenceError."""
    session = cell_session(info)
    if session is not None:
        cell = CellSource(index=len(document.cells), code=content, session=session)
        document.cells.append(cell)
        return f"cell-{cell.index}"
    widget = widget_parse(info, content, index=len(document.widgets))
    if widget is not None:
        document.widgets.append(widget)
        return f"widget-{widget.index}"
    if info != "quiz":
        return None
    quiz = quiz_parse(content)
    if quiz.id in document.quizzes:
        raise FenceError(f"quiz: id {quiz.id!r} is used twice")
    document.quizzes[quiz.id] = quiz
    return f"quiz-{quiz.id}"


def code_block(code: str, language: str) -> str:
    """Highlighted by classes; a long line scrolls, so the block can be focused."""
    try:
        inner = highlight(code, get_lexer_by_name(language, stripnl=False), HtmlFormatter(nowrap=True))
    except ClassNotFound:
        inner = escape(code)
    name = escape(language or "text", quote=True)
    return f'<pre class="highlight" tabindex="0" data-lang="{name}"><code>{inner}</code></pre>\n'
