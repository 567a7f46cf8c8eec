import Markdown, { type Components } from 'react-markdown';
import gfm from 'remark-gfm';
import { readTarget } from '../../lib/runbooks';

/** Markdown as elements: HTML in it stays text, and addresses that are no web addresses lead nowhere. */
export default function RunbookText({ markdown, onOpen }: { markdown: string; onOpen: (alert: string) => void }) {
  const components: Components = {
    // The dialog has the title.
    h1: () => null,
    a: ({ href, children }) => {
      const target = readTarget(href ?? '');
      switch (target.kind) {
        case 'runbook':
          return (
            <button type="button" className="rounded text-accent underline" onClick={() => onOpen(target.name)}>
              {children}
            </button>
          );
        case 'address':
          return (
            <a href={target.href} target="_blank" rel="noreferrer" className="text-accent underline">
              {children}
            </a>
          );
        default:
          return <>{children}</>;
      }
    },
    img: () => null,
  };
  return (
    <div className="prose">
      <Markdown remarkPlugins={[gfm]} components={components}>
        {markdown}
      </Markdown>
    </div>
  );
}
