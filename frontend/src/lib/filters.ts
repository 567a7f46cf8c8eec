// The list's filters: in the URL as people can read them, to the API as it takes them.
import { CHANNEL_STATUSES, CHANNELS, STATUSES, type Channel, type ChannelStatus, type Status } from './names';
import { makeStore } from './store';

export interface Filters {
  text?: string;
  channel?: Channel;
  status?: Status;
  channel_status?: ChannelStatus;
  /** Days in the reader's own zone, YYYY-MM-DD, both inclusive. */
  from?: string;
  to?: string;
}

/** Those of the list as it was seen last: the way back from an order leads there. */
export const listed = makeStore<Filters>({});

export interface OrderQuery {
  text?: string;
  channel?: Channel;
  status?: Status;
  channel_status?: ChannelStatus;
  placed_from?: string;
  placed_to?: string;
}

/** The API takes no shorter text: fewer letters find too much. */
export const SHORTEST_TEXT = 2;
const LONGEST_TEXT = 200;

function pick<T extends string>(value: unknown, known: readonly T[]): T | undefined {
  return known.find((one) => one === value);
}

/** A day that there is, or nothing. */
function pickDay(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value)) {
    return undefined;
  }
  return startOf(value) === null ? undefined : value;
}

/** Filters of an address; what it does not understand is left out. */
export function parseFilters(search: Record<string, unknown>): Filters {
  const text = typeof search['text'] === 'string' ? search['text'].slice(0, LONGEST_TEXT) : '';
  return dropAbsent({
    text: text.trim() === '' ? undefined : text,
    channel: pick(search['channel'], CHANNELS),
    status: pick(search['status'], STATUSES),
    channel_status: pick(search['channel_status'], CHANNEL_STATUSES),
    from: pickDay(search['from']),
    to: pickDay(search['to']),
  });
}

/** What the API is asked; a text that is too short for it is not sent. */
export function toQuery(filters: Filters): OrderQuery {
  const text = (filters.text ?? '').trim();
  return dropAbsent({
    text: text.length < SHORTEST_TEXT ? undefined : text,
    channel: filters.channel,
    status: filters.status,
    channel_status: filters.channel_status,
    placed_from: filters.from === undefined ? undefined : startOf(filters.from)?.toISOString(),
    placed_to: filters.to === undefined ? undefined : startOf(filters.to, 1)?.toISOString(),
  });
}

/** The address of the same orders as a file. */
export function toCsvAddress(filters: Filters): string {
  const query = new URLSearchParams({ ...toQuery(filters) }).toString();
  return query === '' ? '/orders.csv' : `/orders.csv?${query}`;
}

export function countFilters(filters: Filters): number {
  return Object.keys(filters).length;
}

/** Midnight at which a day begins here, or `later` days after it; daylight saving has days of 23 and 25 hours. */
function startOf(day: string, later = 0): Date | null {
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
  const at = new Date(year, month - 1, date);
  if (at.getFullYear() !== year || at.getMonth() !== month - 1 || at.getDate() !== date) {
    return null; // 30 February
  }
  at.setDate(at.getDate() + later);
  return at;
}

/** A day, so many days before `now`, as a filter has it. */
export function dayBefore(days: number, now = new Date()): string {
  const at = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days);
  const pad = (part: number, length = 2): string => String(part).padStart(length, '0');
  return `${pad(at.getFullYear(), 4)}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function dropAbsent<T extends object>(given: T): Present<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Present<T>;
}
