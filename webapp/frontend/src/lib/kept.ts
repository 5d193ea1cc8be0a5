/** What this browser keeps of a lesson: one record a person, lesson and purpose. A browser that keeps nothing is no error. */
export class Kept<T extends object> {
  constructor(
    private readonly key: string,
    private readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> = localStorage,
  ) {}

  load(): T | null {
    try {
      const found = JSON.parse(this.storage.getItem(this.key) ?? "null") as unknown;
      return typeof found === "object" && found !== null ? (found as T) : null;
    } catch {
      return null;
    }
  }

  /** False when the browser would not keep it. */
  save(value: T | null): boolean {
    try {
      if (value === null) this.storage.removeItem(this.key);
      else this.storage.setItem(this.key, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }
}
