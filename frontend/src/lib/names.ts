// The API's words as people read them.
import type { Progress } from '../api/types';

export const CHANNELS = ['shopify', 'woocommerce', 'amazon', 'standard'] as const;
export const PROGRESSES: Progress[] = ['new', 'processing', 'packed', 'shipped', 'delivered', 'on_hold', 'returned', 'cancelled'];
export const STATUSES = [...PROGRESSES, 'refunded'] as const;
export const CHANNEL_STATUSES = [
  'unknown', 'pending', 'failed', 'authorized', 'paid', 'partially_fulfilled', 'fulfilled', 'partially_refunded', 'refunded', 'cancelled',
] as const; // prettier-ignore

export type Channel = (typeof CHANNELS)[number];
export type Status = (typeof STATUSES)[number];
export type ChannelStatus = (typeof CHANNEL_STATUSES)[number];

const CHANNEL_NAMES: Record<string, string> = { shopify: 'Shopify', woocommerce: 'WooCommerce', amazon: 'Amazon', standard: 'Standard' };

export function nameChannel(channel: string): string {
  return CHANNEL_NAMES[channel] ?? channel;
}

/** "on_hold" is "On hold". */
export function nameStatus(status: string): string {
  const words = status.replace(/_/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export type Tone = 'neutral' | 'accent' | 'violet' | 'ok' | 'warn' | 'bad';

const TONES: Record<string, Tone> = {
  new: 'accent',
  processing: 'violet',
  packed: 'violet',
  shipped: 'ok',
  delivered: 'ok',
  on_hold: 'warn',
  returned: 'neutral',
  cancelled: 'neutral',
  refunded: 'neutral',
  pending: 'warn',
  failed: 'bad',
  authorized: 'accent',
  paid: 'ok',
  fulfilled: 'ok',
  partially_fulfilled: 'violet',
  partially_refunded: 'warn',
  unknown: 'neutral',
};

export function toneOf(status: string): Tone {
  return TONES[status] ?? 'neutral';
}

/** Who did something: "channel:shopify" is "Shopify", "user:3" stays for who knows more. */
export function nameActor(actor: string): string {
  const at = actor.indexOf(':');
  const [kind, name] = [actor.slice(0, at), actor.slice(at + 1)] as const;
  switch (kind) {
    case 'channel':
      return nameChannel(name);
    case 'push':
      return `push to ${nameChannel(name)}`;
    case 'token':
      return `token ${name}`;
    case 'user':
      return `user ${name}`;
    default:
      return actor;
  }
}
