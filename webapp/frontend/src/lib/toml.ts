import { StreamLanguage } from "@codemirror/language";
import { toml } from "@codemirror/legacy-modes/mode/toml";
import type { Extension } from "@codemirror/state";

export function tomlLanguage(): Extension {
  return StreamLanguage.define(toml);
}
