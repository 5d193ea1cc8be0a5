/** Asks the site's search while a person types: not at every key, and only the last question is answered. */

export type Piece = [text: string, marked: boolean];

export interface Hit {
  kind: string;
  title: Piece[];
  heading: Piece[];
  text: Piece[];
  url: string;
}

export interface Found {
  query: string;
  total: number;
  hits: Hit[];
}

export const AFTER_MS = 140;
const LEAST = 2; // characters

export class Search {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: AbortController | null = null;

  /** `show` gets what was found, or null when the site could not be asked. */
  constructor(
    private readonly address: string,
    private readonly show: (found: Found | null) => void,
    private readonly ask: typeof fetch = (...request) => fetch(...request),
  ) {}

  /** True when an answer will come. */
  type(query: string): boolean {
    this.stop();
    if (query.trim().length < LEAST) return false;
    this.timer = setTimeout(() => void this.send(query), AFTER_MS);
    return true;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.running?.abort();
    this.running = null;
  }

  private async send(query: string): Promise<void> {
    const running = new AbortController();
    this.running = running;
    const found = await this.answer(query, running.signal).catch(() => null);
    if (!running.signal.aborted) this.show(found);
  }

  private async answer(query: string, signal: AbortSignal): Promise<Found | null> {
    const url = `${this.address}?${new URLSearchParams({ q: query.slice(0, 200) }).toString()}`;
    const response = await this.ask(url, { headers: { Accept: "application/json" }, signal });
    return response.ok ? ((await response.json()) as Found) : null;
  }
}
