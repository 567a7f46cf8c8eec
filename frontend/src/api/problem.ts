// What went wrong with a request: the API's own words (RFC 9457), or that nobody answered.

export interface Problem {
  /** The last part of urn:palmonas:problem:<reason>. */
  reason: string;
  status: number;
  detail: string;
  requestId: string | null;
  /** Seconds after which the API asks to be asked again. */
  retryAfter: number | null;
}

export class ProblemError extends Error {
  constructor(
    readonly problem: Problem,
    /** The revision of the order as it is now, when that is what was wrong. */
    readonly etag: string | null = null,
  ) {
    super(problem.detail);
    this.name = 'ProblemError';
  }
}

/** No answer of the API: it is away, starting, or behind a door that says so. */
export class UnreachableError extends Error {
  constructor(detail = 'The service does not answer.') {
    super(detail);
    this.name = 'UnreachableError';
  }
}

const TYPE = 'urn:palmonas:problem:';

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The error of an answer that is not a good one; `body` is what was read of it. */
export function readProblem(response: Response, body: unknown): ProblemError | UnreachableError {
  if (isObject(body) && typeof body['detail'] === 'string' && typeof body['type'] === 'string') {
    const after = Number(response.headers.get('Retry-After') ?? NaN);
    return new ProblemError(
      {
        reason: body['type'].startsWith(TYPE) ? body['type'].slice(TYPE.length) : body['type'],
        status: response.status,
        detail: body['detail'],
        requestId: typeof body['request_id'] === 'string' ? body['request_id'] : null,
        retryAfter: Number.isFinite(after) ? after : null,
      },
      response.headers.get('ETag'),
    );
  }
  // Not our shape: a proxy's own page, because no instance of the API is there.
  return new UnreachableError(`The service is not reachable (${response.status}).`);
}

export function isReason(error: unknown, reason: string): error is ProblemError {
  return error instanceof ProblemError && error.problem.reason === reason;
}

export function isStatus(error: unknown, status: number): error is ProblemError {
  return error instanceof ProblemError && error.problem.status === status;
}

/** Whether asking again by itself is of any use. */
export function isPassing(error: unknown): boolean {
  return error instanceof UnreachableError || isStatus(error, 503) || isStatus(error, 502);
}

/** A sentence for people, whatever was thrown. */
export function tellError(error: unknown): string {
  return error instanceof Error ? capitalize(error.message) : 'Something went wrong.';
}

function capitalize(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
