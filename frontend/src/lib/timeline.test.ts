import { describe, expect, it } from 'vitest';
import type { Order } from '../api/types';
import { buildTimeline } from './timeline';

type Life = Parameters<typeof buildTimeline>[0];
type Event = Order['events'][number];

const delivery: Order['deliveries'][number] = {
  id: 1,
  delivery_id: 'd-1',
  topic: 'orders/create',
  received_at: '2026-03-01T10:00:00.000Z',
  finished_at: '2026-03-01T10:00:00.038Z',
  request_id: 'request-0001',
  job_id: 'job-7',
  state: 'done',
  result: 'created',
  payload: null,
};

function makeEvent(id: number, type: string, at: string, more: Partial<Event> = {}): Event {
  return { id, type, at, actor: 'channel:shopify', from_value: null, to_value: null, request_id: 'request-0001', detail: null, ...more };
}

const none: Life = { channel: 'shopify', events: [], deliveries: [], pushes: [] };

describe('buildTimeline', () => {
  it('tells how a delivery became an order: verified, stored by which job, after how long', () => {
    const life = { ...none, deliveries: [delivery], events: [makeEvent(1, 'order_created', '2026-03-01T10:00:00.030Z', { to_value: 'paid' })] };
    const told = buildTimeline(life);
    expect(told.map((one) => one.title)).toEqual(['Delivery from Shopify received, signature verified', 'Order made', 'Stored after 38 ms']);
    expect(told[2]?.facts).toEqual(['by job job-7', 'made the order']);
    expect(told.every((one) => one.requestId === 'request-0001')).toBe(true);
  });

  it('says that a delivery waits, and that one was found by poll', () => {
    const told = buildTimeline({ ...none, deliveries: [{ ...delivery, delivery_id: '!poll:7:1', finished_at: null, state: 'pending' }] });
    expect(told).toHaveLength(1);
    expect(told[0]?.title).toBe('Found at Shopify by poll');
    expect(told[0]?.facts).toContain('not stored yet');
  });

  it('counts the tries of each push apart', () => {
    const push = { actor: 'push:shopify', to_value: 'shipped', request_id: 'request-0002' };
    const told = buildTimeline({
      ...none,
      events: [
        makeEvent(1, 'push_retried', '2026-03-01T10:01:00Z', { ...push, detail: 'the channel answered 503' }),
        makeEvent(2, 'push_retried', '2026-03-01T10:02:00Z', { ...push, request_id: 'request-0003' }),
        makeEvent(3, 'push_delivered', '2026-03-01T10:03:00Z', push),
      ],
    });
    expect(told.map((one) => one.title)).toEqual([
      'Shopify could not be told; tried again later (try 1, shipped)',
      'Shopify could not be told; tried again later (try 1, shipped)',
      'Shopify was told (try 2, shipped)',
    ]);
    expect(told[0]?.problem).toBe('the channel answered 503');
  });

  it('keeps cause before effect in the same millisecond', () => {
    const at = delivery.received_at;
    const told = buildTimeline({ ...none, deliveries: [{ ...delivery, finished_at: at }], events: [makeEvent(1, 'status_changed', at, { actor: 'user:3', from_value: 'new', to_value: 'on_hold' })] });
    expect(told.map((one) => one.key)).toEqual(['delivery-1', 'stored-1', 'event-1']);
    expect(told[2]?.title).toBe('New \u2192 On hold');
    expect(told[2]?.facts).toEqual(['by user 3']);
  });

  it('shows an event that it has never heard of', () => {
    expect(buildTimeline({ ...none, events: [makeEvent(1, 'moved_to_mars', '2026-03-01T10:00:00Z')] })[0]?.title).toBe('Moved to mars');
  });
});
