import { useSyncExternalStore } from 'react';

const WIDE = '(min-width: 47.5rem)'; // the breakpoint md of styles.css

/** Whether there is room for a table. */
export function useWide(): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = window.matchMedia(WIDE);
      media.addEventListener('change', listener);
      return () => media.removeEventListener('change', listener);
    },
    () => window.matchMedia(WIDE).matches,
  );
}
