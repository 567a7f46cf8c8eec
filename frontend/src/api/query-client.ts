import { QueryClient } from '@tanstack/react-query';
import { isPassing, isStatus, ProblemError } from './problem';

const LONGEST_PAUSE_MS = 5000;
/** What keeps failing with an answer of the service is shown after so many tries; the page then asks again on demand. */
const TRIES = 3;

/** While nobody answers, what is read is asked for again and again; what is written never is by itself. */
export const client = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (failures, error) => isPassing(error) && (failures < TRIES || !(error instanceof ProblemError) || isStatus(error, 503)),
      retryDelay: (failures) => Math.min(LONGEST_PAUSE_MS, 500 * 2 ** failures),
      // An outage is what nobody answers; the browser's own idea of being offline is about other networks.
      networkMode: 'always',
      refetchOnWindowFocus: true,
      staleTime: 2000,
    },
    mutations: { retry: false, networkMode: 'always' },
  },
});
