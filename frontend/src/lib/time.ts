// Times for people: in their own zone, short, and never jumping about.

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const clockWithSeconds = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const dayOfYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

function isSameDay(one: Date, other: Date): boolean {
  return one.toDateString() === other.toDateString();
}

/** "14:03" today, "3 Nov, 14:03" this year, "3 Nov 2024" before. */
export function formatWhen(iso: string, now = new Date()): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) {
    return iso;
  }
  if (isSameDay(at, now)) {
    return clock.format(at);
  }
  return at.getFullYear() === now.getFullYear() ? `${day.format(at)}, ${clock.format(at)}` : dayOfYear.format(at);
}

/** "3 Nov 2025, 14:03:27". */
export function formatExact(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso : `${dayOfYear.format(at)}, ${clockWithSeconds.format(at)}`;
}

/** "14:03:27". */
export function formatClock(at: number | Date): string {
  return clockWithSeconds.format(at);
}

/** "3 Nov 2025". */
export function formatDay(iso: string): string {
  return dayOfYear.format(new Date(iso));
}

/** Seconds as "0.4 s", "12 s", "3 min", "2 h 5 min", "4 d 3 h". */
export function formatDuration(seconds: number): string {
  if (seconds < 1) {
    return `${Math.max(0, seconds).toFixed(1)} s`;
  }
  if (seconds < 90) {
    return `${Math.round(seconds)} s`;
  }
  if (seconds < 90 * MINUTE) {
    return `${Math.round(seconds / MINUTE)} min`;
  }
  return seconds < 2 * DAY ? join(seconds, HOUR, 'h', MINUTE, 'min') : join(seconds, DAY, 'd', HOUR, 'h');
}

function join(seconds: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const inSmall = Math.round(seconds / small);
  const whole = Math.floor((inSmall * small) / large);
  const rest = inSmall - (whole * large) / small;
  return rest === 0 ? `${whole} ${largeUnit}` : `${whole} ${largeUnit} ${rest} ${smallUnit}`;
}

/** Milliseconds as "38 ms", from a second on as seconds. */
export function formatMilliseconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : ms < 10_000 ? `${(ms / 1000).toFixed(2)} s` : formatDuration(ms / 1000);
}

/** "12 s ago", "just now"; never in the future, whatever the two clocks say. */
export function formatAgo(iso: string, now = Date.now()): string {
  const seconds = (now - Date.parse(iso)) / 1000;
  return seconds < 5 ? 'just now' : `${formatDuration(seconds)} ago`;
}
