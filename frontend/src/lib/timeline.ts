// An order's life as one list: what came in, what was stored by which job, who changed what, what the channel was told.
import type { Order } from '../api/types';
import { nameActor, nameChannel, nameStatus, type Tone } from './names';
import { formatTries } from './numbers';
import { formatMilliseconds } from './time';

export interface Moment {
  key: string;
  at: string;
  tone: Tone;
  title: string;
  /** What there is to know about it, each a short text. */
  facts: string[];
  requestId: string | null;
  /** A try that went wrong, in the channel's or the store's words. */
  problem: string | null;
}

type Life = Pick<Order, 'channel' | 'events' | 'deliveries' | 'pushes'>;

const RESULTS: Record<string, string> = {
  created: 'made the order',
  updated: 'brought the order up to date',
  stale: 'was older than what was known, and changed nothing',
  attached: 'belongs to the order',
  quarantined: 'could not be stored',
};

/** Oldest first; what happened in the same millisecond in the order of cause and effect. */
export function buildTimeline(life: Life): Moment[] {
  const moments = [...listDeliveries(life), ...listPushes(life), ...listEvents(life)];
  return moments
    .map((moment, index) => ({ moment, index, time: Date.parse(moment.at) }))
    .sort((one, other) => one.time - other.time || one.index - other.index)
    .map(({ moment }) => moment);
}

function listDeliveries({ channel, deliveries }: Life): Moment[] {
  return deliveries.flatMap((one) => {
    const isPoll = one.delivery_id.startsWith('!poll:');
    const received: Moment = {
      key: `delivery-${one.id}`,
      at: one.received_at,
      tone: 'neutral',
      title: isPoll ? `Found at ${nameChannel(channel)} by poll` : `Delivery from ${nameChannel(channel)} received, signature verified`,
      facts: [one.topic, one.delivery_id],
      requestId: one.request_id,
      problem: null,
    };
    if (one.finished_at === null) {
      return [{ ...received, facts: [...received.facts, one.state === 'pending' ? 'not stored yet' : one.state] }];
    }
    const took = Date.parse(one.finished_at) - Date.parse(one.received_at);
    return [
      received,
      {
        key: `stored-${one.id}`,
        at: one.finished_at,
        tone: one.state === 'done' ? 'ok' : 'bad',
        title: one.state === 'done' ? `Stored after ${formatMilliseconds(Math.max(0, took))}` : nameStatus(one.state),
        facts: [...(one.job_id === null ? [] : [`by job ${one.job_id}`]), ...(one.result === null ? [] : [RESULTS[one.result] ?? one.result])],
        requestId: one.request_id,
        problem: null,
      } satisfies Moment,
    ];
  });
}

function listPushes({ channel, pushes }: Life): Moment[] {
  return pushes.map((one) => ({
    key: `push-${one.id}`,
    at: one.created_at,
    tone: 'accent',
    title: `${nameChannel(channel)} is to be told${one.status === null ? '' : `: ${nameStatus(one.status).toLowerCase()}`}`,
    facts: [`${formatTries(one.attempts)}, ${one.state}`],
    requestId: null,
    problem: one.state === 'failed' ? one.last_error : null,
  }));
}

function listEvents({ channel, events }: Life): Moment[] {
  const tries = new Map<string, number>();
  return events.map((one) => {
    const by = nameActor(one.actor);
    const from = one.from_value === null ? null : nameStatus(one.from_value);
    const to = one.to_value === null ? '' : nameStatus(one.to_value);
    const moment: Moment = { key: `event-${one.id}`, at: one.at, tone: 'neutral', title: one.type, facts: [], requestId: one.request_id, problem: null };
    switch (one.type) {
      case 'order_created':
        return { ...moment, tone: 'accent', title: 'Order made', facts: [to] };
      case 'channel_status_changed':
        return { ...moment, tone: 'violet', title: `${nameChannel(channel)} says: ${to}`, facts: from === null ? [] : [`before: ${from.toLowerCase()}`] };
      case 'order_updated':
        return { ...moment, title: `Brought up to date by ${by}` };
      case 'delivery_stale':
        return { ...moment, title: 'A delivery was older than what was known', facts: ['nothing changed'] };
      case 'status_changed':
        return { ...moment, tone: 'accent', title: `${from ?? 'Nothing'} \u2192 ${to}`, facts: [`by ${by}`, ...(one.detail === null ? [] : [one.detail])] };
      case 'refund_recorded':
        return { ...moment, tone: 'warn', title: `Refund of ${one.to_value ?? '?'} recorded`, facts: one.detail === null ? [] : [one.detail] };
      case 'fulfillment_recorded':
        return { ...moment, tone: 'ok', title: `Fulfilment recorded: ${to.toLowerCase()}`, facts: one.detail === null ? [] : [one.detail] };
      case 'push_retried':
      case 'push_failed':
      case 'push_delivered': {
        const push = `${one.request_id}\0${one.to_value ?? ''}`;
        const number = (tries.get(push) ?? 0) + 1;
        tries.set(push, number);
        return { ...moment, ...tellTry(one.type, number, channel, to), problem: one.detail };
      }
      case 'personal_data_erased':
        return { ...moment, tone: 'warn', title: 'Personal data erased', facts: [`by ${by}`] };
      default:
        return { ...moment, title: nameStatus(one.type), facts: [`by ${by}`, ...(one.detail === null ? [] : [one.detail])] };
    }
  });
}

function tellTry(type: string, number: number, channel: string, status: string): Pick<Moment, 'tone' | 'title'> {
  const what = `try ${number}, ${status.toLowerCase()}`;
  switch (type) {
    case 'push_delivered':
      return { tone: 'ok', title: `${nameChannel(channel)} was told (${what})` };
    case 'push_failed':
      return { tone: 'bad', title: `${nameChannel(channel)} could not be told; given up (${what})` };
    default:
      return { tone: 'warn', title: `${nameChannel(channel)} could not be told; tried again later (${what})` };
  }
}
