// Time series as charts and tables need them: whole steps without holes, few enough to read.
// Pure functions; times are milliseconds.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NICE = [1, 2, 5, 10, 15, 30].map((n) => n * MINUTE).concat([1, 2, 3, 6, 12].map((n) => n * HOUR), [1, 2, 7, 14, 30, 90, 365].map((n) => n * DAY));
const MOST_STEPS = 100;

/** Return the shortest nice step of at least `finest` that cuts `length` into at most `most`. */
export function niceStep(length, finest, most = MOST_STEPS) {
  return NICE.find((step) => step >= finest && step % finest === 0 && length / step <= most) ?? NICE.at(-1);
}

/** Return the starts of the steps that cover `from` to `to`. */
export function steps(from, to, step) {
  const first = Math.floor(from / step) * step;
  return Array.from({ length: Math.max(0, Math.ceil((to - first) / step)) }, (_, i) => first + i * step);
}

/** Sum `value(point)` of sparse points, each with a time `at` (RFC 3339), into the given steps. */
export function sums(points, starts, step, value) {
  const totals = starts.map(() => 0);
  for (const point of points) {
    const index = Math.floor((Date.parse(point.at) - starts[0]) / step);
    if (index in totals) totals[index] += value(point);
  }
  return totals;
}

/** As `sums`, but the greatest value of each step: different people per hour do not add up. */
export function peaks(points, starts, step, value) {
  const greatest = starts.map(() => 0);
  for (const point of points) {
    const index = Math.floor((Date.parse(point.at) - starts[0]) / step);
    if (index in greatest) greatest[index] = Math.max(greatest[index], value(point));
  }
  return greatest;
}

/** Return {step, starts} for a series from `from` to `to` (RFC 3339) with points each `finest`. */
export function axis({ from, to }, finest) {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const step = niceStep(end - start, finest);
  return { step, starts: steps(start, end, step) };
}

export { DAY, HOUR, MINUTE };
