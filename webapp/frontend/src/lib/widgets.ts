import { all, el, find, need } from "./dom";
import { t } from "./i18n";
import { whenNear } from "./near";

/** What a file src/widgets/<name>.ts offers: draws into `stage` what its lesson's fence asked for. */
export interface WidgetModule {
  mount: (stage: HTMLElement, params: Record<string, unknown>) => void;
}

const MODULES = import.meta.glob<WidgetModule>("../widgets/*.ts");

/** Each widget is loaded when it comes near; until then, and where that fails, its text stands for it. */
export function watchWidgets(root: ParentNode): void {
  for (const figure of all<HTMLElement>("[data-widget]", root)) whenNear([figure], () => void show(figure));
}

async function show(figure: HTMLElement): Promise<void> {
  const stage = need<HTMLElement>("[data-widget-stage]", figure);
  stage.hidden = false;
  try {
    const load = MODULES[`../widgets/${figure.dataset["widget"]}.ts`];
    if (load === undefined) throw new Error(`There is no widget ${figure.dataset["widget"]}`);
    const { mount } = await load();
    mount(stage, JSON.parse(figure.dataset["params"] ?? "{}") as Record<string, unknown>);
    const words = find<HTMLDetailsElement>("[data-widget-text]", figure);
    if (words) words.open = false;
  } catch (error) {
    console.warn(error);
    const text = t("This drawing could not be loaded. Reload the page; the text below says the same.");
    stage.replaceChildren(el("p", { class: "small muted" }, text));
  }
}
