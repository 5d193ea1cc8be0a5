import { all } from "./dom";

/** In the time zone that the reader's account names, else in this device's. */
function formatter(timeZone: string | undefined): Intl.DateTimeFormat {
  const styles = { dateStyle: "medium", timeStyle: "short" } as const;
  try {
    return new Intl.DateTimeFormat(undefined, { ...styles, ...(timeZone ? { timeZone } : {}) });
  } catch {
    return new Intl.DateTimeFormat(undefined, styles); // a zone that this browser is too old for
  }
}

/** Times are written by the server in UTC; show the reader's own. */
export function localTimes(root: ParentNode = document): void {
  const format = formatter(document.documentElement.dataset["timeZone"]);
  for (const time of all<HTMLTimeElement>("time[datetime]", root)) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.textContent = format.format(moment);
    time.title = time.dateTime;
  }
}
