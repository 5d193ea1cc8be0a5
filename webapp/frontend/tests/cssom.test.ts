import { expect, test } from "vitest";

import { setAside } from "../src/lib/cssom";

test("style attributes and style sheets are put where no policy looks", () => {
  expect(setAside('<p class="a" style="color: red">x</p>')).toBe('<p class="a" data-kept-style="color: red">x</p>');
  expect(setAside("<g\nSTYLE = 'a'/>")).toBe("<g data-kept-style = 'a'/>");
  expect(setAside('<svg><style nonce="">a > b {c: "</d"}</style></svg>')).toBe(
    `<svg><g data-kept-sheet="${encodeURIComponent('a > b {c: "</d"}')}"></g></svg>`,
  );
});

test("words about style stay as they are", () => {
  for (const text of ["a style=b", '<p title="restyle">style="x"</p>', "<p data-style='x'>a < b style=c</p>"]) {
    expect(setAside(text)).toBe(text);
  }
});
