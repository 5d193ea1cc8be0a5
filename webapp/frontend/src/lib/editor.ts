import "../styles/editor.css";

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab, temporarilySetTabFocusMode } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension, type Transaction } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags as t } from "@lezer/highlight";

import { nonce } from "./dom";

// Python is almost every file; the others come when a file needs them.
const LANGUAGES: Record<string, () => Promise<Extension>> = {
  python: () => Promise.resolve(python()),
  json: () => import("@codemirror/lang-json").then(({ json }) => json()),
  yaml: () => import("@codemirror/lang-yaml").then(({ yaml }) => yaml()),
  markdown: () => import("@codemirror/lang-markdown").then(({ markdown }) => markdown()),
  toml: () => import("./toml").then(({ tomlLanguage }) => tomlLanguage()),
};

const colours = HighlightStyle.define([
  { tag: [t.keyword, t.operatorKeyword, t.modifier], color: "var(--syn-keyword)" },
  { tag: [t.string, t.special(t.string)], color: "var(--syn-string)" },
  { tag: [t.number, t.bool, t.null], color: "var(--syn-number)" },
  { tag: [t.comment, t.meta], color: "var(--syn-comment)", fontStyle: "italic" },
  { tag: [t.function(t.variableName), t.function(t.propertyName), t.heading], color: "var(--syn-name)" },
  { tag: [t.className, t.typeName, t.definition(t.propertyName), t.self], color: "var(--syn-type)" },
  { tag: t.invalid, color: "var(--syn-error)" },
]);

export interface EditorOptions {
  label: string;
  language: string;
  readonly: boolean;
  keys: { key: string; run: () => void }[];
  changed: (text: string) => void;
  describedBy?: string;
}

export interface Editor {
  text: () => string;
  setText: (text: string) => void;
  focus: () => void;
}

/** Put an editor before `area`, which stays in its form, hidden, and always holds the same text. */
export function mountEditor(area: HTMLTextAreaElement, options: EditorOptions): Editor {
  const language = new Compartment();
  const all = [...extensions(area, options), language.of([])];
  const view = new EditorView({ state: EditorState.create({ doc: area.value, extensions: all }) });
  void LANGUAGES[options.language]?.().then((found) => view.dispatch({ effects: language.reconfigure(found) }));
  area.before(view.dom);
  area.hidden = true;
  return {
    text: () => view.state.doc.toString(),
    setText: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    focus: () => view.focus(),
  };
}

function extensions(area: HTMLTextAreaElement, options: EditorOptions): Extension[] {
  return [
    EditorView.cspNonce.of(nonce()),
    ownKeys(options),
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightActiveLine(),
    drawSelection(),
    history(),
    indentUnit.of("    "),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    EditorView.domEventHandlers({ beforeinput: replaceSelected }),
    highlightSelectionMatches(),
    syntaxHighlighting(colours),
    EditorState.readOnly.of(options.readonly),
    EditorView.contentAttributes.of(attributes(options)),
    EditorView.updateListener.of((update) => {
      if (!update.docChanged) return;
      area.value = update.state.doc.toString();
      options.changed(area.value);
    }),
  ];
}

/** Text over selected lines. Left to the browser, they are merged by inline styles, which the site's policy refuses. */
function replaceSelected(event: InputEvent, view: EditorView): boolean {
  const { from, to, empty } = view.state.selection.main;
  const text = event.data;
  if (event.inputType !== "insertText" || text === null || empty || view.composing || view.state.readOnly) return false;
  const insert = (): Transaction => view.state.update(view.state.replaceSelection(text), { userEvent: "input.type" });
  const handlers = view.state.facet(EditorView.inputHandler); // brackets around what is selected
  if (!handlers.some((handle) => handle(view, from, to, text, insert))) view.dispatch(insert());
  return true;
}

/** Tab indents; Escape, then Tab, leaves the editor, so that the keyboard is never trapped. */
function ownKeys(options: EditorOptions): Extension {
  const own = options.keys.map(({ key, run }) => ({ key, preventDefault: true, run: () => (run(), true) }));
  const leave = { key: "Escape", run: temporarilySetTabFocusMode };
  return keymap.of([
    ...own,
    ...closeBracketsKeymap,
    ...searchKeymap,
    ...defaultKeymap,
    ...historyKeymap,
    leave,
    ...(options.readonly ? [] : [indentWithTab]),
  ]);
}

function attributes(options: EditorOptions): Record<string, string> {
  const described = options.describedBy ? { "aria-describedby": options.describedBy } : {};
  const readonly = { "aria-readonly": String(options.readonly) };
  return { "aria-label": options.label, spellcheck: "false", tabindex: "0", ...readonly, ...described };
}
