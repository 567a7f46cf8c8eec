// Keys without modifiers, and pairs of them ("g o"). Quiet while somebody writes or a dialog is open.
import { useEffect, useRef } from 'react';

export type Bindings = Record<string, (event: KeyboardEvent) => void>;

const PAIR_MS = 1200;
const WRITING = 'input:not([type=checkbox]), textarea, select, [contenteditable=true]';
// What was just told is a dialog, too, by its role; it covers nothing.
const COVERED = ['[role=dialog]', '[role=alertdialog]', '[role=menu]'].map((one) => `${one}:not([aria-modal=false])`).join();

export const HELP: { keys: string; does: string; where: string }[] = [
  { where: 'Everywhere', keys: 'g o', does: 'Orders' },
  { where: 'Everywhere', keys: 'g c', does: 'Channels' },
  { where: 'Everywhere', keys: 'g q', does: 'Quarantine' },
  { where: 'Everywhere', keys: 'g p', does: 'Operations' },
  { where: 'Everywhere', keys: 'g a', does: 'Audit log (admins)' },
  { where: 'Everywhere', keys: '?', does: 'These keys' },
  { where: 'Orders', keys: '/', does: 'Search' },
  { where: 'Lists', keys: 'j', does: 'Down a row' },
  { where: 'Lists', keys: 'k', does: 'Up a row' },
  { where: 'Lists', keys: 'Enter', does: 'Open the row' },
  { where: 'Orders', keys: 'x', does: 'Select the row' },
  { where: 'Orders', keys: 's', does: 'Change the status of what is selected' },
  { where: 'Orders', keys: 'r', does: 'Show what is new' },
  { where: 'Orders', keys: 'Esc', does: 'Select nothing' },
  { where: 'One order', keys: 's', does: 'Change its status' },
  { where: 'One order', keys: 'u', does: 'Back to the list' },
];

/** Which binding the keys make: `before` is the key that may begin a pair. */
export function matchKey(bindings: Bindings, before: string | null, key: string): string | null {
  const pair = before === null ? null : `${before} ${key}`;
  if (pair !== null && pair in bindings) {
    return pair;
  }
  return key in bindings ? key : null;
}

function isElsewhere(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) {
    return true;
  }
  const target = event.target;
  return (target instanceof Element && target.matches(WRITING)) || document.querySelector(COVERED) !== null;
}

/** Listen while the component is there; the newest bindings count. */
export function useKeys(bindings: Bindings): void {
  const newest = useRef(bindings);
  useEffect(() => {
    newest.current = bindings;
  });
  useEffect(() => {
    let before: string | null = null;
    let at = 0;
    const listen = (event: KeyboardEvent): void => {
      if (isElsewhere(event)) {
        before = null;
        return;
      }
      const known = event.timeStamp - at < PAIR_MS ? before : null;
      const found = matchKey(newest.current, known, event.key);
      before = found === null ? event.key : null;
      at = event.timeStamp;
      if (found !== null) {
        // A button or link that has the focus does its own thing with Enter.
        if (event.key === 'Enter' && event.target instanceof Element && event.target.matches('a, button')) {
          return;
        }
        event.preventDefault();
        newest.current[found]?.(event);
      }
    };
    window.addEventListener('keydown', listen);
    return () => {
      window.removeEventListener('keydown', listen);
    };
  }, []);
}
