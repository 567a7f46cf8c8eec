// Pages without libraries: small pieces of the DOM.

export function makeElement<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Partial<Record<string, string>> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) {
      element.setAttribute(key, value);
    }
  }
  element.append(...children);
  return element;
}

export function showFailure(root: HTMLElement, error: unknown): void {
  const text = error instanceof Error ? error.message : String(error);
  root.replaceChildren(
    makeElement('main', { class: 'plain' }, makeElement('h1', {}, 'This page cannot be shown'),
      makeElement('p', { role: 'alert' }, text), makeElement('p', {}, makeElement('a', { href: '/dashboards' }, 'All dashboards'))),
  );
}
