// The list of all dashboards: no library, so that it is there at once.
import { makeElement } from './elements';
import { fetchList, type Listed } from './server';

const FIRST = 'palmonas-overview';

export async function showList(root: HTMLElement): Promise<void> {
  const found = await fetchList();
  found.sort((a, b) => Number(b.uid === FIRST) - Number(a.uid === FIRST) || a.title.localeCompare(b.title));
  document.title = 'Palmonas: dashboards';
  root.replaceChildren(
    makeElement(
      'main',
      { class: 'plain' },
      makeElement('h1', {}, 'Dashboards'),
      makeElement('p', { class: 'quiet' },
        'The dashboards of grafana/dashboards on the local Prometheus, rendered with Grafana’s published libraries.'),
      makeElement('ul', { class: 'cards' }, ...found.map(makeCard)),
    ),
  );
}

function makeCard(one: Listed): HTMLElement {
  const link = makeElement('a', { href: `/dashboards/${one.uid}` }, makeElement('strong', {}, one.title.replace(/^Palmonas: /, '')));
  if (one.description) {
    link.append(makeElement('span', { class: 'quiet' }, one.description));
  }
  return makeElement('li', {}, link);
}
