/** Talks to our own server. Every failure becomes one sentence that a learner can act on. */

import { t } from "./i18n";

export type FieldErrors = Record<string, string[]>;

export class RequestError extends Error {
  readonly fields: FieldErrors;

  constructor(message: string, fields: FieldErrors = {}) {
    super(message);
    this.fields = fields;
  }
}

export interface RunCreated {
  run: string;
  url: string;
  panel_url: string;
  ws_url: string;
}

const MESSAGES: Record<number, () => string> = {
  401: () => t("You are signed out. Sign in again in another tab, then come back: your text is kept here."),
  403: () => t("This was refused. Reload the page and try again; your draft is kept."),
  404: () => t("This no longer exists. Reload the page."),
  413: () => t("This is too large to send. Make the files smaller."),
  429: () => t("Too many requests. Wait a minute, then try again."),
};

export function messageFor(status: number): string {
  return MESSAGES[status]?.() ?? t("The site answered with an error ({status}). Try again in a moment.", { status });
}

export function flatten(fields: FieldErrors): string {
  return Object.values(fields).flat().join(" ");
}

/** POST a form, get JSON. Throws RequestError, with `fields` where the server names them. */
export async function postForm<T>(url: string, body: FormData | URLSearchParams): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, { method: "POST", body: asForm(body), headers: { Accept: "application/json" } });
  } catch {
    throw new RequestError(t("The site cannot be reached. Check the connection, then try again; your text is kept."));
  }
  const isJson = response.headers.get("Content-Type")?.includes("application/json") ?? false;
  if (response.redirected && !isJson) throw new RequestError(messageFor(401));
  if (response.status === 422 && isJson) {
    const { errors } = (await response.json()) as { errors: FieldErrors };
    throw new RequestError(flatten(errors), errors);
  }
  if (!response.ok || !isJson) throw new RequestError(messageFor(response.status));
  return (await response.json()) as T;
}

/** The server takes text fields only, so they travel URL-encoded. */
function asForm(body: FormData | URLSearchParams): URLSearchParams {
  if (body instanceof URLSearchParams) return body;
  const fields = new URLSearchParams();
  for (const [name, value] of body.entries()) if (typeof value === "string") fields.append(name, value);
  return fields;
}

export async function getHtml(url: string): Promise<string> {
  const response = await fetch(url, { headers: { Accept: "text/html" } });
  if (response.redirected) throw new RequestError(messageFor(401));
  if (!response.ok) throw new RequestError(messageFor(response.status));
  return response.text();
}
