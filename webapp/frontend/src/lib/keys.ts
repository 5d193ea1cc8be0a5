/** The exercise page's keyboard shortcuts, wherever the focus is. The list of them is in the page (_keys.html). */

export type Command = "try" | "submit" | "save" | "result" | "log" | "help" | number; // a number: the file at that place

export interface Press {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/** What a key press asks for; null for any other. `typing`: the focus is where a question mark is text. */
export function commandOf(press: Press, typing: boolean): Command | null {
  const main = press.ctrlKey || press.metaKey;
  if (main && !press.altKey) {
    if (press.key === "Enter") return press.shiftKey ? "submit" : "try";
    return press.key.toLowerCase() === "s" && !press.shiftKey ? "save" : null;
  }
  if (press.altKey && !main && !press.shiftKey) {
    const digit = /^Digit([1-9])$/.exec(press.code)?.[1];
    if (digit !== undefined) return Number(digit) - 1;
    return press.code === "KeyR" ? "result" : press.code === "KeyL" ? "log" : null;
  }
  return press.key === "?" && !main && !press.altKey && !typing ? "help" : null;
}

export function listen(act: (command: Command) => void): void {
  const hears = (event: KeyboardEvent): void => {
    if (event.isComposing || document.querySelector("dialog[open]") !== null) return;
    const command = commandOf(event, isTyping(event.target));
    if (command === null) return;
    event.preventDefault();
    event.stopPropagation();
    act(command);
  };
  document.addEventListener("keydown", hears, { capture: true }); // before the editor's own keys
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}
