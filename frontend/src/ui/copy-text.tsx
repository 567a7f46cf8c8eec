import { tell } from './toast';

/** An id: selectable, and copied by a click. */
export function CopyText({ text }: { text: string }) {
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      tell('Copied');
    } catch {
      tell('Not copied', { detail: 'The browser does not let this page write to the clipboard.', failed: true });
    }
  };
  return (
    <button type="button" title="Copy" onClick={() => void copy()} className="max-w-full truncate rounded align-bottom font-mono text-xs hover:text-text hover:underline">
      {text}
    </button>
  );
}
