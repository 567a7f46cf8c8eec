// Two people at one order: what the other one changed since this one read it.
import type { Order } from '../api/types';
import { formatAmount } from './money';
import { nameActor, nameStatus } from './names';

export interface Difference {
  field: string;
  before: string;
  after: string;
}

export interface Conflict {
  differences: Difference[];
  /** What happened meanwhile, oldest first. */
  happened: { key: number; at: string; text: string }[];
  /** Whether the wanted step can still be taken from where the order is now. */
  stillPossible: boolean;
}

type Part = (order: Order) => string;

const amount = (value: string | null, order: Order): string => (value === null ? 'none' : `${formatAmount(value, order.currency)} ${order.currency ?? ''}`.trim());

const PARTS: [string, Part][] = [
  ['Status', (order) => nameStatus(order.status)],
  ['Channel says', (order) => nameStatus(order.channel_status)],
  ['Total', (order) => amount(order.total, order)],
  ['Customer', (order) => order.customer_name ?? order.customer_email ?? 'none'],
  ['Shipping address', (order) => formatAddress(order.shipping_address).join(', ') || 'none'],
  ['Note', (order) => order.note ?? 'none'],
  ['Items', (order) => order.items.map((item) => `${item.quantity} × ${item.name}`).join(', ') || 'none'],
  ['Refunds', (order) => order.refunds.map((refund) => amount(refund.amount, order)).join(', ') || 'none'],
  ['Fulfilments', (order) => order.fulfillments.map((one) => nameStatus(one.status)).join(', ') || 'none'],
];

export function compareOrders(before: Order, after: Order, wanted: string): Conflict {
  const known = new Set(before.events.map((event) => event.id));
  return {
    differences: PARTS.map(([field, read]) => ({ field, before: read(before), after: read(after) })).filter((one) => one.before !== one.after),
    happened: after.events.filter((event) => !known.has(event.id)).map((event) => ({ key: event.id, at: event.at, text: tellEvent(event) })),
    stillPossible: after.next_statuses.includes(wanted),
  };
}

function tellEvent(event: Order['events'][number]): string {
  const what = nameStatus(event.type);
  const change = event.to_value === null ? '' : event.from_value === null ? `: ${event.to_value}` : `: ${event.from_value} \u2192 ${event.to_value}`;
  return `${what}${change}, by ${nameActor(event.actor)}`;
}

/** The lines of an address, as far as they are there. */
export function formatAddress(address: Record<string, unknown> | null): string[] {
  if (address === null) {
    return [];
  }
  const read = (key: string): string => (typeof address[key] === 'string' ? address[key] : '');
  const place = [read('postal_code'), read('city')].filter(Boolean).join(' ');
  const region = [place, read('region')].filter(Boolean).join(', ');
  return [read('name'), read('company'), read('line1'), read('line2'), region, read('country')].filter(Boolean);
}
