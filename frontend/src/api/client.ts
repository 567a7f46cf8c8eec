// The one door to the API: typed by its own description, with the session's CSRF token, and one kind of error.
import createClient, { type Middleware } from 'openapi-fetch';
import { noteAnswer, noteOutage } from './connection';
import { isReason, readProblem, tellError, UnreachableError } from './problem';
import type { paths } from './schema';
import { csrf, renewCsrf, sessionEnded } from './session-state';

const SAFE = new Set(['GET', 'HEAD']);
const DEADLINE_MS = 30_000;
const CSRF_HEADER = 'X-CSRF-Token';

/** One request. Notes outages and ended sessions; throws UnreachableError when nobody answers. */
export async function send(request: Request): Promise<Response> {
  const again = SAFE.has(request.method) ? null : request.clone();
  const response = await attempt(request);
  if (again !== null && response.status === 403 && (await isStaleCsrf(response.clone()))) {
    // Another tab has logged in since: the session has another token now, and nothing was changed.
    return attempt(again);
  }
  return response;
}

async function attempt(request: Request): Promise<Response> {
  const token = csrf();
  if (!SAFE.has(request.method) && token !== null) {
    request.headers.set(CSRF_HEADER, token);
  }
  let response: Response;
  try {
    response = await fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(DEADLINE_MS)]) });
  } catch (error) {
    if (request.signal.aborted) {
      throw error;
    }
    const away = new UnreachableError();
    noteOutage(away.message);
    throw away;
  }
  await noteResponse(request, response);
  return response;
}

async function noteResponse(request: Request, response: Response): Promise<void> {
  if (response.status === 401 && !new URL(request.url).pathname.startsWith('/session')) {
    sessionEnded.set(true);
  }
  if (response.status < 502) {
    noteAnswer();
    return;
  }
  const error = readProblem(response, await readBody(response.clone()));
  // Prometheus being away is one page's matter, and that page says so.
  if (!isReason(error, 'prometheus_unavailable') && !isReason(error, 'alertmanager_unavailable')) {
    noteOutage(tellError(error));
  }
}

async function isStaleCsrf(response: Response): Promise<boolean> {
  const error = readProblem(response, await readBody(response));
  return isReason(error, 'forbidden') && (await renewCsrf());
}

async function readBody(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

const throwProblems: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) {
      throw readProblem(response, await readBody(response.clone()));
    }
  },
};

export const api = createClient<paths>({ baseUrl: window.location.origin, fetch: send });
api.use(throwProblems);

/** The body of a good answer; the client throws on every other one. */
export function body<T>(answer: { data?: T }): T {
  if (answer.data === undefined) {
    throw new UnreachableError('The service gave an empty answer.');
  }
  return answer.data;
}
