import { language } from "../../lib/i18n";

/** With so many decimals, and thousands set apart. */
export function fixed(number: number, digits = 0): string {
  return new Intl.NumberFormat(language(), { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(number);
}

/** To three digits that count. */
export function rough(number: number): string {
  return new Intl.NumberFormat(language(), { maximumSignificantDigits: 3 }).format(number);
}

/** A share of 1 as percent. */
export function percent(share: number, digits = 1): string {
  return `${fixed(100 * share, digits)} %`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Bytes in the unit that leaves one to three digits before the point: powers of ten, as data sheets count. */
export function bytes(number: number): string {
  let unit = 0;
  while (unit < UNITS.length - 1 && number >= 999.5 * 1000 ** unit) unit++;
  return `${rough(number / 1000 ** unit)} ${UNITS[unit]}`;
}

/** Seconds as µs, ms or s. */
export function seconds(number: number): string {
  if (number < 0.9995e-3) return `${rough(number * 1e6)} µs`;
  return number < 0.9995 ? `${rough(number * 1e3)} ms` : `${rough(number)} s`;
}
