import { describe, expect, it } from "vitest";

import { cellText } from "../src/lib/output";
import { currentHeading, readShare } from "../src/lib/reading";
import { statusText } from "../src/lib/run";

describe("reading position", () => {
  it("is the last heading above the line", () => {
    expect(currentHeading([-900, -20, 139, 600])).toBe(2);
    expect(currentHeading([200, 600])).toBe(-1);
  });

  it("goes from 0 to 1 over the text, and a short text is read", () => {
    expect(readShare(100, 3000, 1000)).toBe(0);
    expect(readShare(-1000, 3000, 1000)).toBe(0.5);
    expect(readShare(-5000, 3000, 1000)).toBe(1);
    expect(readShare(0, 500, 1000)).toBe(1);
  });
});

describe("numbers in a cell's table", () => {
  it("shows six digits, and powers where needed", () => {
    expect(cellText(0.1 + 0.2)).toBe("0.3");
    expect(cellText(1234567.5)).toBe("1.235e+6");
    expect(cellText(0.00001234)).toBe("1.234e-5");
    expect(cellText(1_000_000)).toBe("1000000");
    expect(cellText(null)).toBe("–");
  });
});

describe("status", () => {
  it("prefers the server's words", () => {
    expect(statusText({ status: "queued", position: 3, message: "" })).toBe("Waiting: place 3 in the queue.");
    expect(statusText({ status: "queued", position: 3, message: "The lab is installing." })).toBe("The lab is installing.");
    expect(statusText({ status: "running", position: null, message: "" })).toBe("Running.");
  });
});
