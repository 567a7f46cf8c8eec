// A runbook: Markdown, rendered and cleaned as Grafana does it with panel descriptions.
import { renderMarkdown } from '@grafana/data';
import { makeElement } from './elements';
import { fetchRunbook } from './server';

export async function showRunbook(root: HTMLElement, name: string): Promise<void> {
  const text = await fetchRunbook(name);
  const body = makeElement('article', { class: 'markdown' });
  body.innerHTML = renderMarkdown(text);
  for (const link of body.querySelectorAll('a')) {
    const target = link.getAttribute('href') ?? '';
    const other = /^(?:\.\/)?([A-Za-z0-9_-]+)\.md(#.*)?$/.exec(target);
    if (other?.[1]) {
      link.setAttribute('href', `/dashboards/runbooks/${other[1]}${other[2] ?? ''}`);
    } else if (!/^(https?:|#|\/)/.test(target)) {
      link.replaceWith(...link.childNodes); // leads to a file of the repository, which is not served
    }
  }
  document.title = `Palmonas: ${name}`;
  root.replaceChildren(
    makeElement('main', { class: 'plain' }, makeElement('p', {}, makeElement('a', { href: '/dashboards' }, 'Dashboards')), body),
  );
}
