// Measurements for people. Money is not among them (money.ts).

const SMALL = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** "1,234", "12.3", "0.012". */
export function formatNumber(value: number): string {
  return Math.abs(value) >= 1000 ? WHOLE.format(value) : SMALL.format(value);
}

export function formatRate(perSecond: number | null): string {
  return perSecond === null ? 'not known' : `${formatNumber(perSecond)} /s`;
}

/** "1 try", "5 tries". */
export function formatTries(count: number): string {
  return count === 1 ? '1 try' : `${formatNumber(count)} tries`;
}

/** A share as "99.95 %". */
export function formatShare(share: number): string {
  const percent = share * 100;
  return `${percent === 0 || percent === 100 ? percent : percent > 99 ? percent.toFixed(2) : SMALL.format(percent)} %`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function formatBytes(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${SMALL.format(bytes / 1024 ** step)} ${UNITS[step] ?? ''}`;
}

/** By the unit of a graph. */
export function formatUnit(value: number, unit: string): string {
  switch (unit) {
    case '1/s':
      return formatRate(value);
    case 's':
      return value === 0 ? '0 s' : value < 1 ? `${formatNumber(value * 1000)} ms` : `${formatNumber(value)} s`;
    case 'ratio':
      return formatShare(value);
    default:
      return Math.abs(value) >= 1024 ** 2 ? formatBytes(value) : formatNumber(value);
  }
}
