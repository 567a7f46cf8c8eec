// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { findStale, listen, STALE_AFTER_MS } from './live';

/** What a browser's EventSource does, by hand. */
class Source extends EventTarget {
  static made: Source[] = [];
  readyState = 0;
  onerror: ((event: Event) => void) | null = null;
  closed = false;

  constructor() {
    super();
    Source.made.push(this);
  }

  close(): void {
    this.closed = true;
  }

  give(text: string): void {
    this.dispatchEvent(new MessageEvent('snapshot', { data: text }));
  }

  fail(readyState: number): void {
    this.readyState = readyState;
    this.onerror?.(new Event('error'));
  }
}

beforeEach(() => {
  Source.made = [];
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

it('is stale only after its time', () => {
  expect(findStale(1000, 1000 + STALE_AFTER_MS)).toBeNull();
  expect(findStale(1000, 1001 + STALE_AFTER_MS)).toBe(1000);
});

it('passes on what comes, and closes the stream at the end', () => {
  const got: string[] = [];
  const stop = listen(() => new Source(), (text) => got.push(text));
  Source.made[0]?.give('1');
  Source.made[0]?.give('2');
  expect(got).toEqual(['1', '2']);
  stop();
  expect(Source.made[0]?.closed).toBe(true);
});

it('leaves a stream to the browser that tries by itself, and opens another one when it gave up', () => {
  const got: string[] = [];
  const stop = listen(() => new Source(), (text) => got.push(text));
  Source.made[0]?.fail(0);
  vi.advanceTimersByTime(60_000);
  expect(Source.made).toHaveLength(1);
  Source.made[0]?.fail(2);
  vi.advanceTimersByTime(5000);
  expect(Source.made).toHaveLength(2);
  Source.made[1]?.give('again');
  expect(got).toEqual(['again']);
  stop();
});

it('opens none after it was stopped', () => {
  const stop = listen(() => new Source(), () => undefined);
  Source.made[0]?.fail(2);
  stop();
  vi.advanceTimersByTime(60_000);
  expect(Source.made).toHaveLength(1);
});
