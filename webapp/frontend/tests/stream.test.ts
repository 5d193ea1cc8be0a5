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

  say(...messages: object[]): void {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(messages) }));
  }

  opens(): void {
    this.dispatchEvent(new Event("open"));
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
  vi.restoreAllMocks();
});

describe("RunStream", () => {
  it("reconnects after the last line and shows each line once", () => {
    const { seen, states } = follow();
    FakeSocket.made[0]?.say(line(1));
    FakeSocket.made[0]?.say(line(2));
    FakeSocket.made[0]?.drop(1006);
    expect(states).toEqual(["waiting"]);
    vi.advanceTimersByTime(1750);
    expect(FakeSocket.made).toHaveLength(2);
    expect(FakeSocket.made[1]?.url).toContain("after=2");
    FakeSocket.made[1]?.say(line(2), line(3));
    expect(seen.map((message) => ("n" in message ? message.n : 0))).toEqual([1, 2, 3]);
  });

  it("waits longer after each failure and starts afresh after a connection that held", () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    follow();
    for (const seconds of [1.75, 3.25, 6.25]) {
      const made = FakeSocket.made.length;
      FakeSocket.made.at(-1)?.drop(1006);
      vi.advanceTimersByTime(1000 * seconds - 1);
      expect(FakeSocket.made).toHaveLength(made);
      vi.advanceTimersByTime(1);
      expect(FakeSocket.made).toHaveLength(made + 1);
    }
    FakeSocket.made.at(-1)?.opens();
    vi.advanceTimersByTime(10_000);
    FakeSocket.made.at(-1)?.drop(1006);
    vi.advanceTimersByTime(1750);
    expect(FakeSocket.made).toHaveLength(5);
  });

  it("goes on waiting longer where the server answers and closes at once", () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    follow();
    for (let i = 0; i < 5; i++) {
      FakeSocket.made.at(-1)?.opens();
      FakeSocket.made.at(-1)?.say({ type: "status", status: "running", position: null, message: "" });
      FakeSocket.made.at(-1)?.drop(1011);
      vi.advanceTimersByTime(16_000);
    }
    const made = FakeSocket.made.length;
    FakeSocket.made.at(-1)?.drop(1011);
    vi.advanceTimersByTime(15_000);
    expect(FakeSocket.made).toHaveLength(made);
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
  it("spreads over a span that doubles to fifteen seconds", () => {
    expect([0, 1, 3, 20].map((tries) => delayFor(tries, 1))).toEqual([1.75, 3.25, 12.25, 15.25]);
    expect([0, 1, 3, 20].map((tries) => delayFor(tries, 0))).toEqual([0.25, 0.25, 0.25, 0.25]);
  });

  it("brings a thousand pages back over a second and more, not at once", () => {
    const delays = Array.from({ length: 1000 }, () => delayFor(0)).sort((a, b) => a - b);
    const busiest = Math.max(...delays.map((start) => delays.filter((d) => d >= start && d < start + 0.1).length));
    expect(busiest).toBeLessThan(150);
  });

  it("knows the server's own closing codes", () => {
    expect([1000, 1006, 1011, 4401, 4404].map(isFinalClose)).toEqual([false, false, false, true, true]);
  });

  it("uses a secure socket on a secure page", () => {
    expect(addressWith("/ws/runs/1/", 7)).toBe("wss://learn.example/ws/runs/1/?after=7&batch=1");
  });
});
