import { find, need, reveal, showFragment } from "./dom";
import { getHtml, postForm, RequestError } from "./http";
import { openHints } from "./hints";
import { t } from "./i18n";
import { LogView } from "./log";
import { type Message, RunStream } from "./stream";
import { localTimes } from "./times";

export interface RunPlace {
  panel_url: string;
  ws_url: string;
  url: string;
}

const CONNECTION = {
  connected: "",
  waiting: t("The connection was lost; reconnecting. The run goes on."),
  refused: t("The live log is not available to you. Reload the page."),
} as const;

/** The live part of a page: status, progress, log and, at the end, the verdict's panel. */
export class RunLive {
  private readonly panel: HTMLElement;
  private readonly status: HTMLElement;
  private readonly connection: HTMLElement;
  private readonly bar: HTMLProgressElement;
  private readonly barText: HTMLElement;
  private readonly log: LogView;
  private stream: RunStream | null = null;
  private second: RunStream | null = null;
  private panelStatus = "";

  constructor(
    private readonly root: HTMLElement,
    private readonly finished: (verdict: string) => void = () => undefined,
    private readonly moved: () => void = () => undefined, // it waits, or runs
  ) {
    this.panel = need("[data-panel]", root);
    this.status = need("[data-run-status]", root);
    this.connection = need("[data-connection]", root);
    this.bar = need("[data-progress] progress", root);
    this.barText = need("[data-progress-text]", root);
    this.log = new LogView(need("[data-log]", root), need("[data-follow]", root));
    this.log.page = root.dataset["runUrl"] ?? "";
    openHints(this.panel);
    root.addEventListener("submit", (event) => this.cancel(event));
    if (root.dataset["wsUrl"]) this.watch(root.dataset["wsUrl"], root.dataset["panelUrl"] ?? "", true);
    this.followSecond();
  }

  /** Leave whatever was shown and follow this run from its first line. */
  async start(run: RunPlace): Promise<void> {
    this.stream?.close();
    this.second?.close();
    this.log.clear();
    this.log.page = run.url;
    need<HTMLElement>("[data-log]", this.root).dataset["empty"] = t("The log appears here line by line.");
    need<HTMLDetailsElement>("[data-log-box]", this.root).open = true;
    this.root.dataset["panelUrl"] = run.panel_url;
    this.panelStatus = "";
    this.status.classList.remove("visually-hidden");
    this.status.textContent = t("Sent. Waiting for a worker.");
    this.showProgress("", null);
    reveal(this.root);
    await this.refresh(run.panel_url);
    this.watch(run.ws_url, run.panel_url, false);
  }

  private watch(wsUrl: string, panelUrl: string, isReplay: boolean): void {
    const wasFinished = isReplay && this.root.dataset["finished"] === "true";
    if (!wasFinished) this.showProgress("", null);
    this.stream = new RunStream(wsUrl, {
      message: (message) => void this.receive(message, panelUrl, wasFinished),
      connection: (state) => (this.connection.textContent = CONNECTION[state]),
    });
  }

  private async receive(message: Message, panelUrl: string, wasFinished: boolean): Promise<void> {
    if (message.type === "line") this.log.add(message);
    else if (message.type === "progress") this.showProgress(message.text, message.done);
    else if (message.type === "status" && !wasFinished) await this.showStatus(message, panelUrl);
    else if (message.type === "done") {
      this.hideProgress();
      if (wasFinished) return;
      this.status.textContent = "";
      await this.refresh(panelUrl);
      this.announceVerdict();
      this.finished(message.verdict);
      this.followSecond();
    }
  }

  /** A pass may have a second run: what the panel says of it changes when that begins and when it ends. */
  private followSecond(): void {
    this.second?.close();
    const shown = find<HTMLElement>("[data-confirmation]", this.panel)?.dataset ?? {};
    const [wsUrl, panelUrl] = [shown["wsUrl"], shown["panelUrl"]];
    if (wsUrl === undefined || panelUrl === undefined) return;
    let status = shown["confirmation"] === "waiting" ? "queued" : "running";
    const receive = async (message: Message): Promise<void> => {
      if (message.type === "done") {
        await this.refresh(panelUrl);
        this.finished(message.verdict);
      } else if (message.type === "status" && message.status !== status && message.status !== "done") {
        status = message.status;
        await this.refresh(panelUrl);
      }
    };
    this.second = new RunStream(wsUrl, { message: (message) => void receive(message), connection: () => undefined });
  }

  private async showStatus(message: Extract<Message, { type: "status" }>, panelUrl: string): Promise<void> {
    this.status.textContent = statusText(message);
    if (message.status === this.panelStatus || message.status === "done") return;
    this.panelStatus = message.status;
    await this.refresh(panelUrl);
    this.moved();
  }

  private async refresh(panelUrl: string): Promise<void> {
    try {
      showFragment(this.panel, await getHtml(panelUrl));
      openHints(this.panel);
      localTimes(this.panel);
    } catch (error) {
      this.connection.textContent = error instanceof RequestError ? error.message : t("The site cannot be reached.");
    }
  }

  /** The panel comes and goes, so its Cancel form is watched from outside. */
  private cancel(event: SubmitEvent): void {
    const form = event.target as HTMLFormElement;
    if (!("cancel" in form.dataset)) return;
    event.preventDefault();
    this.status.textContent = t("Cancelling.");
    postForm(form.action, new FormData(form)).then(
      () => this.refresh(this.root.dataset["panelUrl"] ?? ""),
      (error: unknown) => (this.status.textContent = error instanceof RequestError ? error.message : t("Could not cancel.")),
    );
  }

  private announceVerdict(): void {
    const heading = find<HTMLElement>("[data-verdict-text]", this.panel);
    this.status.textContent = heading?.dataset["verdictText"] ?? "";
    this.status.classList.add("visually-hidden"); // the panel shows it; this only says it
    if (heading) reveal(heading);
  }

  private showProgress(text: string, done: number | null): void {
    need<HTMLElement>("[data-progress]", this.root).hidden = false;
    this.barText.textContent = text;
    if (done === null) this.bar.removeAttribute("value");
    else this.bar.value = done;
  }

  private hideProgress(): void {
    need<HTMLElement>("[data-progress]", this.root).hidden = true;
  }
}

export function statusText(message: { status: string; position: number | null; message: string }): string {
  if (message.message !== "") return message.message;
  if (message.status === "queued") {
    return message.position === null ? t("Waiting for a worker.") : t("Waiting: place {place} in the queue.", { place: message.position });
  }
  if (message.status === "running") return t("Running.");
  return message.status === "cancelled" ? t("Cancelled.") : "";
}
