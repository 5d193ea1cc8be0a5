import { all } from "./dom";

/** Times are written by the server in UTC; show the reader's own. */
export function localTimes(root: ParentNode = document): void {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const time of all<HTMLTimeElement>("time[datetime]", root)) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.textContent = format.format(moment);
    time.title = time.dateTime;
  }
}
