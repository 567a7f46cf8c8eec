// Money as the API gives it: decimal strings. No number is ever made of them, so no cent is ever lost.

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

/** How many decimals a currency is written with; 2 for one that nobody knows. */
export function findDecimals(currency: string | null): number {
  if (currency === null) {
    return 2;
  }
  try {
    const options = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions();
    return options.maximumFractionDigits ?? 2;
  } catch {
    return 2; // not a code of a currency
  }
}

/** "1234.5" in EUR is "1,234.50". Zeros are added, never is a digit taken away. What is no decimal stays as it is. */
export function formatAmount(amount: string, currency: string | null): string {
  const match = DECIMAL.exec(amount);
  if (match === null) {
    return amount;
  }
  const [, sign = '', whole = '', given = ''] = match;
  const decimals = findDecimals(currency);
  // "5000.00" yen are 5,000; "5000.50" stay what they are.
  const needed = given.slice(decimals).replace(/0+$/, '') === '' ? given.slice(0, decimals) : given;
  const fraction = needed.padEnd(decimals, '0');
  const digits = whole.replace(/^0+(?=\d)/, '');
  const grouped = digits.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${sign === '-' ? '\u2212' : ''}${grouped}${fraction === '' ? '' : `.${fraction}`}`;
}

/** A quantity: "2" for "2.000", "0.25" for "0.250". */
export function formatQuantity(quantity: string): string {
  const match = DECIMAL.exec(quantity);
  if (match === null) {
    return quantity;
  }
  const fraction = (match[3] ?? '').replace(/0+$/, '');
  const whole = (match[2] ?? '').replace(/\B(?=(\d{3})+$)/g, ',');
  return `${match[1] === '-' ? '\u2212' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Whether there is nothing of it: "0", "0.00". */
export function isZero(amount: string | null): boolean {
  return amount === null || /^-?0+(\.0+)?$/.test(amount);
}
