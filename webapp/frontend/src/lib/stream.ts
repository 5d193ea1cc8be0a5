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

/** Seconds before try number `tries` (from 0): doubling to 10, spread so that many pages do not return at once. */
export function delayFor(tries: number, random: number = Math.random()): number {
  return Math.min(10, 0.5 * 2 ** tries) * (0.75 + 0.5 * random);
}

/** 4000 to 4999 are our server's own words for "not for you" or "no such run": no use in asking again. */
export function isFinalClose(code: number): boolean {
  return code >= 4000 && code < 5000;
}

export function addressWith(url: string, after: number): string {
  const address = new URL(url, globalThis.location.href);
  address.protocol = address.protocol.replace("http", "ws");
  address.searchParams.set("after", String(after));
  return address.href;
}

export class RunStream {
  private socket: WebSocket | null = null;
  private last = 0;
  private tries = 0;
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
    socket.addEventListener("open", () => this.handlers.connection("connected"));
    socket.addEventListener("message", (event: MessageEvent<string>) => {
      this.tries = 0;
      this.receive(JSON.parse(event.data) as Message);
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
    this.timer = window.setTimeout(() => this.connect(), 1000 * delayFor(this.tries++));
  }
}
