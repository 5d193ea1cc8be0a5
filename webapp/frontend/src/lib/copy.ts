import { all, el } from "./dom";

/** Every block of code gets a button that copies it. */
export function copyButtons(root: ParentNode): void {
  for (const pre of all<HTMLPreElement>("pre.highlight", root)) {
    const button = el("button", { type: "button", class: "button slim copy" }, "Copy");
    const box = el("div", { class: "code-block" });
    pre.replaceWith(box);
    box.append(pre, button);
    button.addEventListener("click", () => void copy(pre.textContent, button));
  }
}

async function copy(text: string, button: HTMLButtonElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select and press Ctrl-C";
  }
  setTimeout(() => (button.textContent = "Copy"), 2000);
}
