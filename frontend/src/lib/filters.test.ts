import { describe, expect, it } from 'vitest';
import { countFilters, dayBefore, parseFilters, toCsvAddress, toQuery } from './filters';

describe('parseFilters', () => {
  it('takes what it knows', () => {
    const search = { text: 'Ada', channel: 'shopify', status: 'on_hold', channel_status: 'paid', from: '2026-03-01', to: '2026-03-31' };
    expect(parseFilters(search)).toEqual(search);
  });

  it('leaves out what it does not know', () => {
    const search = { text: '  ', channel: 'ebay', status: 'NEW', channel_status: 1, from: '2026-02-30', to: 'yesterday', x: 'y' };
    expect(parseFilters(search)).toEqual({});
  });

  it('comes back the same from an address', () => {
    const filters = parseFilters({ text: '#10 & "äß"%_', channel: 'woocommerce', from: '2026-01-05' });
    const address = new URLSearchParams({ ...filters }).toString();
    expect(parseFilters(Object.fromEntries(new URLSearchParams(address)))).toEqual(filters);
  });
});

describe('toQuery', () => {
  it('makes days of here to moments, the last one whole', () => {
    const query = toQuery({ from: '2026-03-01', to: '2026-03-01' });
    expect(query.placed_from).toBe(new Date(2026, 2, 1).toISOString());
    expect(query.placed_to).toBe(new Date(2026, 2, 2).toISOString());
  });

  it('sends no text that the API refuses as too short', () => {
    expect(toQuery({ text: ' a ' })).toEqual({});
    expect(toQuery({ text: ' ab ' })).toEqual({ text: 'ab' });
  });
});

it('gives the same orders as a file', () => {
  expect(toCsvAddress({})).toBe('/orders.csv');
  expect(toCsvAddress({ channel: 'amazon', text: 'a&b' })).toBe('/orders.csv?text=a%26b&channel=amazon');
});

it('counts days back over the end of a year', () => {
  expect(dayBefore(1, new Date(2026, 0, 1, 12))).toBe('2025-12-31');
  expect(countFilters({ channel: 'amazon', from: '2025-12-31' })).toBe(2);
});
