// Where a link in a runbook leads: another runbook is shown in its place, files of the repository are not served.

export type Target = { kind: 'runbook'; name: string } | { kind: 'address'; href: string } | { kind: 'none' };

export function readTarget(href: string): Target {
  const other = /^(?:\.\/)?([A-Za-z0-9_-]+)\.md(?:#.*)?$/.exec(href);
  if (other?.[1] !== undefined && other[1] !== 'README') {
    return { kind: 'runbook', name: other[1] };
  }
  if (/^https?:\/\//.test(href) || /^\/(?![/\\])/.test(href)) {
    return { kind: 'address', href };
  }
  return { kind: 'none' };
}
