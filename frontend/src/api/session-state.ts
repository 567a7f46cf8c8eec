// What every request needs to know of the session; the rest is in session.ts.
import { makeStore } from '../lib/store';

/** True once a request was refused for want of a session; the page then asks to log in, over what is there. */
export const sessionEnded = makeStore(false);

let token: string | null = null;
let renew: (() => Promise<string | null>) | null = null;

export function csrf(): string | null {
  return token;
}

export function setCsrf(next: string | null): void {
  token = next;
}

export function setRenewal(ask: () => Promise<string | null>): void {
  renew = ask;
}

/** Ask for the session's token anew; true when it is another one than before. */
export async function renewCsrf(): Promise<boolean> {
  const before = token;
  token = (await renew?.()) ?? before;
  return token !== before;
}
