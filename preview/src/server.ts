// What the console serves: dashboards, runbooks, and Prometheus behind its read-only door.

const API = '/dashboards/api';

export interface Problem {
  detail: string;
}

/** An answer that is not 2xx, with the sentence the console gave. */
export class ServerError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

export interface Listed {
  uid: string;
  title: string;
  description: string | null;
  tags: string[] | null;
}

export interface Sample {
  metric: Record<string, string>;
  value?: [number, string];
  values?: [number, string][];
}

export async function fetchList(): Promise<Listed[]> {
  return (await ask('definitions')).json() as Promise<Listed[]>;
}

export async function fetchDefinition(uid: string): Promise<unknown> {
  return (await ask(`definitions/${encodeURIComponent(uid)}`)).json();
}

export async function fetchRunbook(name: string): Promise<string> {
  return (await ask(`runbooks/${encodeURIComponent(name)}`)).text();
}

/** Asks Prometheus at `path`; the `data` of its answer. */
export async function askPrometheus<T>(path: string, form: [string, string][], signal?: AbortSignal): Promise<T> {
  const body = new URLSearchParams(form);
  const answer = await ask(`prometheus/${path}`, { method: 'POST', body, ...(signal ? { signal } : {}) });
  return ((await answer.json()) as { data: T }).data;
}

async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  const answer = await fetch(`${API}/${path}`, { credentials: 'same-origin', ...options });
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => null)) as Problem | null;
    throw new ServerError(problem?.detail ?? `the console answered with status ${answer.status}`, answer.status);
  }
  return answer;
}
