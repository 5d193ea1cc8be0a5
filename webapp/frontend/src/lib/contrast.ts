/** WCAG 2's arithmetic of contrast, for the style page and for the test that holds the tokens. */

export type Rgb = readonly [number, number, number];

/** `#rrggbb`, `rgb(1, 2, 3)` or `rgb(1 2 3)`; null for anything else (a colour that lets its ground through has no contrast). */
export function parseColour(text: string): Rgb | null {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text);
  if (hex) return [1, 2, 3].map((i) => parseInt(hex[i] ?? "", 16)) as unknown as Rgb;
  const rgb = /^rgb\((\d+),? (\d+),? (\d+)\)$/.exec(text);
  return rgb ? ([1, 2, 3].map((i) => Number(rgb[i])) as unknown as Rgb) : null;
}

function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** 1 (the same) to 21 (black on white). */
export function contrast(a: Rgb, b: Rgb): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}
