/**
 * Texts in the reader's language. English stands in the sources and needs nothing; for another language the page loads
 * a catalogue first (Django's, at /messages.js), which knows that language's plurals as well.
 */

export type Values = Record<string, string | number>;

interface Catalogue {
  gettext: (text: string) => string;
  ngettext: (one: string, many: string, n: number) => string;
}

function catalogue(): Partial<Catalogue> {
  return (globalThis as { django?: Partial<Catalogue> }).django ?? {};
}

/** `{name}` in the text becomes the value of that name; a name without a value stays as it is. */
function filled(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function t(text: string, values: Values = {}): string {
  return filled(catalogue().gettext?.(text) ?? text, values);
}

/** `plural("{n} line", "{n} lines", 2)`: the form for `n`, which fills `{n}`. */
export function plural(one: string, many: string, n: number, values: Values = {}): string {
  const text = catalogue().ngettext?.(one, many, n) ?? (n === 1 ? one : many);
  return filled(text, { n, ...values });
}

/** The page's language, for numbers and dates as `Intl` writes them. */
export function language(): string {
  return document.documentElement.lang || "en";
}
