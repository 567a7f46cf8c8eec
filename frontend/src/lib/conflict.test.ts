import { expect, it } from 'vitest';
import type { Order } from '../api/types';
import { compareOrders, formatAddress } from './conflict';

const order = {
  status: 'new',
  channel_status: 'paid',
  currency: 'EUR',
  total: '19.90',
  customer_name: 'Ada',
  customer_email: null,
  shipping_address: null,
  note: null,
  items: [],
  refunds: [],
  fulfillments: [],
  events: [{ id: 1, at: '2026-03-01T10:00:00Z', type: 'order_created', actor: 'channel:shopify', from_value: null, to_value: 'paid', request_id: 'r', detail: null }],
  next_statuses: ['processing', 'on_hold', 'cancelled'],
} as unknown as Order;

it('shows what the other one changed, who it was, and that the step is still possible', () => {
  const after: Order = {
    ...order,
    status: 'on_hold',
    events: [...order.events, { id: 2, at: '2026-03-01T10:05:00Z', type: 'status_changed', actor: 'user:7', from_value: 'new', to_value: 'on_hold', request_id: 'r2', detail: null }],
    next_statuses: ['processing', 'cancelled'],
  };
  const conflict = compareOrders(order, after, 'processing');
  expect(conflict.differences).toEqual([{ field: 'Status', before: 'New', after: 'On hold' }]);
  expect(conflict.happened.map((one) => one.text)).toEqual(['Status changed: new \u2192 on_hold, by user 7']);
  expect(conflict.stillPossible).toBe(true);
});

it('offers no step that the order cannot take any more', () => {
  const after: Order = { ...order, status: 'cancelled', channel_status: 'cancelled', total: '0.00', next_statuses: [] };
  const conflict = compareOrders(order, after, 'processing');
  expect(conflict.differences.map((one) => one.field)).toEqual(['Status', 'Channel says', 'Total']);
  expect(conflict.differences[2]).toEqual({ field: 'Total', before: '19.90 EUR', after: '0.00 EUR' });
  expect(conflict.stillPossible).toBe(false);
});

it('writes the lines of an address that are there', () => {
  expect(formatAddress({ name: 'Ada', company: null, line1: '1 Row', city: 'Leeds', postal_code: 'LS1', region: null, country: 'GB' })).toEqual(['Ada', '1 Row', 'LS1 Leeds', 'GB']);
  expect(formatAddress(null)).toEqual([]);
});
