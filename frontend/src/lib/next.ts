// Where to go after logging in: a path of this very server, and nothing that a browser takes for another one.

const LOCAL = /^\/(?![/\\])[^\\\s]*$/;

/** The part of a search that is a good `next`. */
export function readNext(given: unknown): { next?: string } {
  return typeof given === 'string' && isLocal(given) ? { next: given } : {};
}

export function isLocal(address: string): boolean {
  if (!LOCAL.test(address)) {
    return false;
  }
  const origin = 'https://here.invalid';
  return new URL(address, origin).origin === origin;
}
