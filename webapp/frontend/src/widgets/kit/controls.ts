import { all, el } from "../../lib/dom";

/** A number, by slider or by typing. `steps`: the slider's stops, where they are not evenly spaced. */
export interface NumberControl {
  name: string;
  label: string;
  min: number;
  max: number;
  step: number;
  value: number;
  steps?: readonly number[];
}

/** Several of a few, by tick boxes. */
export interface SetControl {
  name: string;
  label: string;
  options: readonly string[];
  values: readonly string[];
}

export interface ChoiceControl {
  name: string;
  label: string;
  options: readonly (readonly [value: string, text: string])[];
  value: string;
}

/** The inputs of a widget: native ones, each with its label, so that keyboard and screen readers know them already. */
export class Controls {
  readonly box = el("div", { class: "widget-controls" });
  private readonly numbers = new Map<string, number>();
  private readonly choices = new Map<string, string>();
  private readonly sets = new Map<string, ReadonlySet<string>>();
  private static made = 0;

  constructor(private readonly changed: () => void) {}

  number(name: string): number {
    return this.numbers.get(name) ?? NaN;
  }

  choice(name: string): string {
    return this.choices.get(name) ?? "";
  }

  set(name: string): ReadonlySet<string> {
    return this.sets.get(name) ?? new Set();
  }

  addNumber({ name, label, min, max, step, value, steps }: NumberControl): void {
    const id = `widget-input-${++Controls.made}`;
    const [low, high, by] = steps ? [0, steps.length - 1, 1] : [min, max, step];
    const bounds = { min: String(min), max: String(max), step: "any" };
    const typed = el("input", { type: "number", id, ...bounds, inputmode: "decimal", class: "widget-number" });
    const slider = el("input", { type: "range", min: String(low), max: String(high), step: String(by), "aria-label": label });
    const place = (number: number): number => (steps ? nearest(steps, number) : number);
    const set = (number: number): void => {
      this.numbers.set(name, number);
      slider.setAttribute("aria-valuetext", String(number));
      this.changed();
    };
    slider.addEventListener("input", () => {
      const number = steps?.[slider.valueAsNumber] ?? slider.valueAsNumber;
      typed.value = String(number);
      typed.removeAttribute("aria-invalid");
      set(number);
    });
    typed.addEventListener("input", () => {
      const number = typed.valueAsNumber;
      const isGood = number >= min && number <= max && (step < 1 || Number.isInteger(number));
      if (isGood) typed.removeAttribute("aria-invalid");
      else return typed.setAttribute("aria-invalid", "true");
      slider.value = String(place(number));
      set(number);
    });
    typed.value = String(value);
    slider.value = String(place(value));
    slider.setAttribute("aria-valuetext", String(value));
    this.numbers.set(name, value);
    this.box.append(el("div", { class: "widget-control" }, el("label", { for: id }, label), typed, slider));
  }

  addChoice({ name, label, options, value }: ChoiceControl): void {
    const id = `widget-input-${++Controls.made}`;
    const select = el("select", { id });
    for (const [option, text] of options) select.append(el("option", { value: option }, text));
    select.value = value;
    this.choices.set(name, value);
    select.addEventListener("input", () => {
      this.choices.set(name, select.value);
      this.changed();
    });
    this.box.append(el("div", { class: "widget-control" }, el("label", { for: id }, label), select));
  }

  addSet({ name, label, options, values }: SetControl): void {
    const group = el("fieldset", { class: "widget-control widget-set" }, el("legend", {}, label));
    const read = (): string[] => all<HTMLInputElement>(":checked", group).map((each) => each.value);
    for (const option of options) {
      const input = el("input", { type: "checkbox", value: option });
      input.checked = values.includes(option);
      group.append(el("label", {}, input, option));
    }
    this.sets.set(name, new Set(read()));
    group.addEventListener("input", () => {
      this.sets.set(name, new Set(read()));
      this.changed();
    });
    this.box.append(group);
  }
}

/** The index of the stop that is nearest. */
export function nearest(steps: readonly number[], value: number): number {
  let best = 0;
  steps.forEach((stop, index) => {
    if (Math.abs(stop - value) < Math.abs((steps[best] ?? 0) - value)) best = index;
  });
  return best;
}
