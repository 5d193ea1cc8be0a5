import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { addressWith, delayFor, isFinalClose, type Message, RunStream } from "../src/lib/stream";

class FakeSocket extends EventTarget {
  static made: FakeSocket[] = [];
  closed = false;

  constructor(readonly url: string) {
    super();
    FakeSocket.made.push(this);
  }

  close(): void {
    this.closed = true;
  }

  say(message: object): void {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }

  drop(code: number): void {
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }
}

const line = (n: number): object => ({ type: "line", n, stream: "out", text: `line ${n}` });

function follow(): { seen: Message[]; states: string[]; stream: RunStream } {
  const seen: Message[] = [];
  const states: string[] = [];
  const stream = new RunStream("/ws/runs/1/", {
    message: (message) => seen.push(message),
    connection: (state) => states.push(state),
  });
  return { seen, states, stream };
}

beforeEach(() => {
  FakeSocket.made = [];
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("location", { href: "https://learn.example/runs/1/" });
  vi.stubGlobal("window", globalThis);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("RunStream", () => {
  it("reconnects after the last line and shows each line once", () => {
    const { seen, states } = follow();
    FakeSocket.made[0]?.say(line(1));
    FakeSocket.made[0]?.say(line(2));
    FakeSocket.made[0]?.drop(1006);
    expect(states).toEqual(["waiting"]);
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.made).toHaveLength(2);
    expect(FakeSocket.made[1]?.url).toContain("after=2");
    FakeSocket.made[1]?.say(line(2));
    FakeSocket.made[1]?.say(line(3));
    expect(seen.map((message) => ("n" in message ? message.n : 0))).toEqual([1, 2, 3]);
  });

  it("waits longer after each failure and starts afresh after a success", () => {
    follow();
    for (const wait of [1000, 2000, 3000]) {
      FakeSocket.made.at(-1)?.drop(1006);
      vi.advanceTimersByTime(wait);
    }
    expect(FakeSocket.made).toHaveLength(4);
    FakeSocket.made.at(-1)?.say(line(1));
    FakeSocket.made.at(-1)?.drop(1006);
    vi.advanceTimersByTime(700);
    expect(FakeSocket.made).toHaveLength(5);
  });

  it("stops at the end of the run", () => {
    const { seen } = follow();
    FakeSocket.made[0]?.say({ type: "done", verdict: "passed" });
    FakeSocket.made[0]?.drop(1000);
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.made).toHaveLength(1);
    expect(seen).toEqual([{ type: "done", verdict: "passed" }]);
  });

  it("does not come back where it was refused", () => {
    const { states } = follow();
    FakeSocket.made[0]?.drop(4404);
    vi.advanceTimersByTime(60_000);
    expect(states).toEqual(["refused"]);
    expect(FakeSocket.made).toHaveLength(1);
  });

  it("hears nothing more once it is closed", () => {
    const { seen, stream } = follow();
    stream.close();
    FakeSocket.made[0]?.say(line(1));
    expect(seen).toEqual([]);
  });
});

describe("the arithmetic of reconnecting", () => {
  it("doubles up to ten seconds, spread by a quarter", () => {
    expect(delayFor(0, 0.5)).toBe(0.5);
    expect(delayFor(3, 0.5)).toBe(4);
    expect(delayFor(20, 0.5)).toBe(10);
    expect(delayFor(20, 1)).toBe(12.5);
  });

  it("knows the server's own closing codes", () => {
    expect([1000, 1006, 1011, 4401, 4404].map(isFinalClose)).toEqual([false, false, false, true, true]);
  });

  it("uses a secure socket on a secure page", () => {
    expect(addressWith("/ws/runs/1/", 7)).toBe("wss://learn.example/ws/runs/1/?after=7");
  });
});
