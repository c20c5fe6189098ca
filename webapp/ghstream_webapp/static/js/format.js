// Figures, durations and times as a person reads them. Pure functions; times are milliseconds.

const WHOLE = new Intl.NumberFormat("en");
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
];
const LONG_UNITS = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
];
export const NONE = "–";

/** 1234567 → "1,234,567". */
export function whole(value) {
  return value === null || value === undefined ? NONE : WHOLE.format(value);
}

/** 1234567 → "1.2M"; up to six digits stay exact. */
export function short(value) {
  return value < 1_000_000 ? whole(value) : COMPACT.format(value);
}

/** For axes: 12000 → "12K". */
export function compact(value) {
  return COMPACT.format(value);
}

/** 0.314 → "31%"; small shares keep a digit. */
export function percent(share) {
  const digits = share > 0 && share < 0.095 ? 1 : 0;
  return `${(share * 100).toFixed(digits)}%`;
}

/** How a figure compares with the one before, e.g. {text: "+12%", trend: "up"}; null if unknown. */
export function change(now, before) {
  if (!before) return null;
  const ratio = now / before - 1;
  if (Math.abs(ratio) < 0.005) return { text: "±0%", trend: "flat" };
  const text = ratio >= 9.995 ? `×${compact(now / before)}` : `${(ratio * 100).toFixed(0)}%`;
  return { text: ratio > 0 && ratio < 9.995 ? `+${text}` : text.replace("-", "−"), trend: ratio > 0 ? "up" : "down" };
}

/** Seconds → "2 d 4 h", "3 min 20 s", "26 min", "0.8 s"; null → "–". */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  if (seconds < 10) return `${seconds.toFixed(1).replace(/\.0$/, "")} s`;
  const total = Math.round(seconds);
  const first = UNITS.findIndex(([, length]) => total >= length);
  const [name, length] = UNITS[first];
  const [smaller, unit] = UNITS[first + 1] ?? [];
  const rest = unit && total < 10 * length ? Math.floor((total % length) / unit) : 0;
  return `${Math.floor(total / length)} ${name}${rest ? ` ${rest} ${smaller}` : ""}`;
}

/** Seconds → "12 s ago", "3 days ago"; times ahead of us are "just now". */
export function ago(seconds) {
  if (seconds < 1) return "just now";
  const [name, length] = LONG_UNITS.find(([, unit]) => seconds >= unit);
  const amount = Math.floor(seconds / length);
  return `${amount} ${name}${amount > 1 && name.length > 3 ? "s" : ""} ago`;
}

const formats = new Map();

function formatter(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) {
    const timeZone = zone === "utc" ? "UTC" : undefined;
    formats.set(key, new Intl.DateTimeFormat("en-GB", { ...options, timeZone }));
  }
  return formats.get(key);
}

/** The clock's time: "14:05". */
export function clock(time, zone) {
  return formatter(zone, { hour: "2-digit", minute: "2-digit" }).format(time);
}

/** The date: "12 Mar 2026". */
export function date(time, zone) {
  return formatter(zone, { day: "numeric", month: "short", year: "numeric" }).format(time);
}

/** The date without its year: "12 Mar". */
export function day(time, zone) {
  return formatter(zone, { day: "numeric", month: "short" }).format(time);
}

/** Date and time with the zone's name: "12 Mar 2026, 14:05 UTC". */
export function moment(time, zone) {
  return `${date(time, zone)}, ${clock(time, zone)} ${zoneName(zone, time)}`;
}

/** A period: "12 Mar 2026, 14:00 – 15:00 UTC"; the second date is written where it differs. */
export function period(from, to, zone) {
  const [first, last] = [date(from, zone), date(to, zone)];
  const end = first === last ? clock(to, zone) : `${last}, ${clock(to, zone)}`;
  return `${first}, ${clock(from, zone)} – ${end} ${zoneName(zone, from)}`;
}

/** "UTC", or the short name of this machine's zone: "CET", "GMT+2". */
export function zoneName(zone, time = Date.now()) {
  if (zone === "utc") return "UTC";
  const parts = formatter(zone, { timeZoneName: "short" }).formatToParts(time);
  return parts.find(({ type }) => type === "timeZoneName").value;
}

/** Milliseconds that the zone's clocks are ahead of UTC at that time. */
export function zoneOffset(time, zone) {
  return zone === "utc" ? 0 : -new Date(time).getTimezoneOffset() * 60_000;
}
