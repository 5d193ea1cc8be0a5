/** A run's live messages. Reconnects by itself and asks for what follows the last line that it saw. */

export type LogStream = "out" | "err" | "judge" | "system";
export interface TableData {
  columns: string[];
  rows: (string | number | boolean | null)[][];
  total: number;
}
export type Message =
  | { type: "line"; n: number; stream: LogStream; text: string }
  | { type: "status"; status: string; position: number | null; message: string }
  | { type: "progress"; text: string; done: number | null }
  | { type: "output"; n: number; kind: "png" | "text"; data: string }
  | { type: "output"; n: number; kind: "table"; data: TableData }
  | { type: "done"; verdict: string };

export interface Handlers {
  message: (message: Message) => void;
  connection: (state: "connected" | "waiting" | "refused") => void;
}

const STEADY_MS = 10_000; // a connection that held so long was a success: the next loss starts the waiting afresh

/** Seconds before try number `tries` (from 0): anywhere in a span that doubles to 15 s, so that a thousand pages whose server was restarted come back one by one. */
export function delayFor(tries: number, random: number = Math.random()): number {
  return 0.25 + random * Math.min(15, 1.5 * 2 ** tries);
}

/** 4000 to 4999 are our server's own words for "not for you" or "no such run": no use in asking again. */
export function isFinalClose(code: number): boolean {
  return code >= 4000 && code < 5000;
}

export function addressWith(url: string, after: number): string {
  const address = new URL(url, globalThis.location.href);
  address.protocol = address.protocol.replace("http", "ws");
  address.searchParams.set("after", String(after));
  address.searchParams.set("batch", "1");
  return address.href;
}

export class RunStream {
  private socket: WebSocket | null = null;
  private last = 0;
  private tries = 0;
  private openedAt = Infinity;
  private closed = false;
  private timer = 0;

  constructor(
    private readonly url: string,
    private readonly handlers: Handlers,
  ) {
    this.connect();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }

  private connect(): void {
    const socket = new WebSocket(addressWith(this.url, this.last));
    this.socket = socket;
    socket.addEventListener("open", () => {
      this.openedAt = Date.now();
      this.handlers.connection("connected");
    });
    socket.addEventListener("message", (event: MessageEvent<string>) => {
      for (const message of JSON.parse(event.data) as Message[]) this.receive(message);
    });
    socket.addEventListener("close", (event) => this.lost(event.code));
  }

  private receive(message: Message): void {
    if (this.closed || !this.isNew(message)) return;
    if (message.type === "done") this.close();
    this.handlers.message(message);
  }

  /** Lines and outputs are numbered together; each is shown once, whatever a reconnection repeats. */
  private isNew(message: Message): boolean {
    if (message.type !== "line" && message.type !== "output") return true;
    if (message.n <= this.last) return false;
    this.last = message.n;
    return true;
  }

  private lost(code: number): void {
    if (this.closed) return;
    if (isFinalClose(code)) {
      this.closed = true;
      this.handlers.connection("refused");
      return;
    }
    this.handlers.connection("waiting");
    if (Date.now() - this.openedAt >= STEADY_MS) this.tries = 0;
    this.openedAt = Infinity;
    this.timer = window.setTimeout(() => this.connect(), 1000 * delayFor(this.tries++));
  }
}
