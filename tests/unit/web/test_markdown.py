from __future__ import annotations

import pytest

from webapp.catalog.markdown import fill_slots, render, render_inline

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](javascript:alert(1))",
    "<svg/onload=alert(1)>",
    "<iframe src='https://example.org'></iframe>",
    "[a](https://example.org 'x\" onclick=\"alert(1)')",
    "```html\n<script>alert(1)</script>\n```",
    "```mermaid\n</pre><script>alert(1)</script>\n```",
    "$</span><script>alert(1)</script>$",
    "$$\n</div><script>alert(1)</script>\n$$",
    ":::note <script>alert(1)</script>\n<b onclick=alert(1)>x</b>\n:::",
    '```python" onmouseover="alert(1)\nx\n```',
    '| a |\n|---|\n| <a href="javascript:alert(1)">x</a> |',
    "[^1]\n\n[^1]: <script>alert(1)</script>",
    '## <h2 onclick="alert(1)">x</h2>',
    "<!-- --><div data-slot='cell-0'></div>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_it_makes_hostile_markdown_harmless(text: str) -> None:
    import html.parser

    bad: list[str] = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag in ("script", "iframe", "svg", "object", "embed", "form", "input", "style"):
                bad.append(tag)
            for name, value in attrs:
                scheme = (value or "").split(":")[0].lower() if ":" in (value or "") else ""
                if name.startswith("on") or scheme in ("javascript", "data", "vbscript"):
                    bad.append(f"{name}={value}")
                if name == "data-slot":
                    bad.append("a slot that no fence made")

    Reader().feed(render(text).html)
    assert bad == []


def test_it_renders_what_lessons_use() -> None:
    text = (
        "---\ntitle: x\n---\n## One *two*\nInline $a<b$, then $$c$$.\n\n$$\nz\n$$\n\n"
        "```python\ndef f(): ...\n```\n\n```mermaid\ngraph TD; A-->B\n```\n\n"
        ":::tip Do this\nwell\n:::\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n\nNote[^n].\n\n[^n]: foot\n"
    )
    document = render(text)
    for part in (
        '<h2 id="one-two"><a class="anchor" href="#one-two" rel="noopener noreferrer">One <em>two</em></a></h2>',
        '<span class="math inline">a&lt;b</span>',
        '<span class="math block">c</span>',
        '<div class="math block">\nz\n</div>',
        '<span class="k">def</span>',
        '<pre class="mermaid" tabindex="0">graph TD; A--&gt;B\n</pre>',
        '<aside class="callout tip" role="note">\n<p class="callout-title">Do this</p>',
        '<td class="align-right">2</td>',
        'class="footnote-ref"',
    ):
        assert part in document.html
    assert "title: x" not in document.html
    assert document.has_math
    assert document.has_mermaid


def test_it_lists_the_contents_with_unique_anchors() -> None:
    toc = render("# T\n## Same `code`\n### Below\n## Same `code`\n#### Deep").toc
    assert [(entry.level, entry.id, entry.text) for entry in toc] == [
        (2, "same-code", "Same code"),
        (3, "below", "Below"),
        (2, "same-code-1", "Same code"),
    ]


def test_it_leaves_dollars_of_money_alone() -> None:
    assert "math" not in render("It costs $5 and then $6.").html


def test_it_keeps_a_slot_for_each_cell_and_quiz() -> None:
    quiz = '```quiz\nid="q"\nkind="numeric"\nquestion="?"\nanswer=1\nexplanation="HIDDEN"\n```'
    document = render(f"```python run\na\n```\n:::note\n```python run session=s\nb\n```\n:::\n{quiz}")
    assert [(cell.index, cell.code, cell.session) for cell in document.cells] == [(0, "a\n", ""), (1, "b\n", "s")]
    assert "HIDDEN" not in document.html
    assert fill_slots(document.html, lambda slot: f"[{slot}]").count("[") == 3


@pytest.mark.parametrize("fence", ["```python run sesion=a\nx\n```", "```quiz\nid = 3\n```", "```quiz\nnot toml\n```"])
def test_it_reports_a_broken_fence_without_breaking_the_page(fence: str) -> None:
    document = render(f"before\n\n{fence}\n\nafter")
    assert len(document.problems) == 1
    assert "broken" in document.html
    assert "after" in document.html


def test_it_renders_one_line_without_a_paragraph() -> None:
    assert render_inline("a **b** $x$ <i>") == 'a <strong>b</strong> <span class="math inline">x</span> &lt;i&gt;'


def test_a_column_without_a_heading_has_no_heading_cell() -> None:
    html = render("| | two |\n|--|--:|\n| a | b |\n").html
    assert "<td></td>" in html
    assert html.count("<th") == 2  # the row's <thead>, and the one cell with words


def test_a_diagram_that_is_not_drawn_yet_scrolls_by_keyboard() -> None:
    assert '<pre class="mermaid" tabindex="0">' in render("```mermaid\ngraph LR; a-->b\n```\n").html
