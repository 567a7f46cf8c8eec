// Before any library is loaded: some make style elements while they are. The page's policy lets in those with its
// nonce alone; both ways of emotion go by this cache.
import { cache } from '@emotion/css';

export function allowStyles(): void {
  const nonce = document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')?.content;
  if (nonce) {
    Object.assign(cache.sheet, { nonce });
  }
}
