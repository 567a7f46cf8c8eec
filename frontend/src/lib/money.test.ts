import { describe, expect, it } from 'vitest';
import { formatAmount, formatQuantity, isZero } from './money';

describe('formatAmount', () => {
  it.each([
    ['19.9', 'EUR', '19.90'],
    ['1234567.5', 'EUR', '1,234,567.50'],
    ['999', 'USD', '999.00'],
    ['-3.10', 'EUR', '\u22123.10'],
    ['0012.00', 'EUR', '12.00'],
    ['5000', 'JPY', '5,000'],
    ['5000.00', 'JPY', '5,000'],
    ['5000.50', 'JPY', '5,000.50'],
    ['1.234', 'KWD', '1.234'],
    ['7', null, '7.00'],
    ['7', 'no currency', '7.00'],
  ])('writes %s %s as %s', (amount, currency, written) => {
    expect(formatAmount(amount, currency)).toBe(written);
  });

  it('takes away no digit, however many there are', () => {
    expect(formatAmount('123456789012345678.901234567', 'EUR')).toBe('123,456,789,012,345,678.901234567');
    expect(formatAmount('0.0033', 'EUR')).toBe('0.0033');
  });

  it('leaves alone what is no decimal', () => {
    expect(formatAmount('1e5', 'EUR')).toBe('1e5');
    expect(formatAmount('', 'EUR')).toBe('');
  });
});

describe('formatQuantity', () => {
  it.each([
    ['2.000', '2'],
    ['0.250', '0.25'],
    ['12000', '12,000'],
    ['-1', '\u22121'],
  ])('writes %s as %s', (quantity, written) => {
    expect(formatQuantity(quantity)).toBe(written);
  });
});

it('knows nothing when it sees it', () => {
  expect(['0', '0.00', '-0.0', null].map(isZero)).toEqual([true, true, true, true]);
  expect(['0.01', '10'].map(isZero)).toEqual([false, false]);
});
