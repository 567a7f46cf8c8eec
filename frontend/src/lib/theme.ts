// Light, dark, or as the system has it. public/theme.js applies the choice before the first paint.
import { makeStore } from './store';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'palmonas.theme';
const ORDER: Theme[] = ['system', 'light', 'dark'];

function readTheme(): Theme {
  try {
    return ORDER.find((one) => one === localStorage.getItem(KEY)) ?? 'system';
  } catch {
    return 'system';
  }
}

export const theme = makeStore<Theme>(readTheme());

export function setTheme(next: Theme): void {
  theme.set(next);
  if (next === 'system') {
    delete document.documentElement.dataset['theme'];
  } else {
    document.documentElement.dataset['theme'] = next;
  }
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // no storage: it holds until the page is left
  }
}

export function nextTheme(now: Theme): Theme {
  return ORDER[(ORDER.indexOf(now) + 1) % ORDER.length] ?? 'system';
}
