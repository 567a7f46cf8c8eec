// @vitest-environment jsdom
import { expect, it, vi } from 'vitest';
import { IDLE_AFTER_MS, watchUnattended } from './idle';

it('asks again and again whether a session goes on that nobody uses, and not while somebody does', () => {
  vi.useFakeTimers({ now: Date.now() });
  const ask = vi.fn();
  const stop = watchUnattended(ask);
  vi.advanceTimersByTime(IDLE_AFTER_MS - 1000);
  expect(ask).not.toHaveBeenCalled();
  vi.advanceTimersByTime(10 * 60_000);
  expect(ask).toHaveBeenCalledTimes(10);
  stop();
  vi.useRealTimers();
});
