// Routes of the contract that the API's description does not have yet.
interface Answer<T> {
  headers: Record<string, unknown>;
  content: { 'application/json': T };
}
interface Nothing {
  headers: Record<string, unknown>;
  content?: never;
}
interface Plain {
  query?: never;
  header?: never;
  path?: never;
  cookie?: never;
}

export interface Session {
  user: { id: number; email: string; role: 'viewer' | 'operator' | 'admin' };
  csrf: string;
  idle_expires_at: string;
  expires_at: string;
}
export interface StatusOutcome {
  id: number;
  outcome: 'changed' | 'stale' | 'refused' | 'missing' | 'failed';
  revision: number | null;
  detail?: string | null;
}
export interface AuditEntry {
  id: number;
  at: string;
  actor: string;
  actor_email: string | null;
  action: string;
  object: string;
  outcome: string;
  address: string | null;
  request_id: string;
  detail: Record<string, unknown> | null;
}

export interface PendingPaths {
  '/session': {
    parameters: Plain;
    get: { parameters: Plain; responses: { 200: Answer<Session> } };
    post: {
      parameters: Plain;
      requestBody: { content: { 'application/json': { email: string; password: string } } };
      responses: { 200: Answer<Session> };
    };
    delete: { parameters: Plain; responses: { 204: Nothing } };
  };
  '/sessions': { parameters: Plain; delete: { parameters: Plain; responses: { 204: Nothing } } };
  '/orders/statuses': {
    parameters: Plain;
    post: {
      parameters: Plain;
      requestBody: { content: { 'application/json': { status: string; orders: { id: number; revision: number }[] } } };
      responses: { 200: Answer<{ results: StatusOutcome[] }> };
    };
  };
  '/audit': {
    parameters: Plain;
    get: {
      parameters: { query?: { cursor?: string; limit?: number; actor?: string; action?: string }; header?: never; path?: never; cookie?: never };
      responses: { 200: Answer<{ entries: AuditEntry[]; next: string | null }> };
    };
  };
}
