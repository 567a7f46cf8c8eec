import { expect, it } from 'vitest';
import { isLocal, readNext } from './next';

it.each(['/console/orders?status=new', '/rq/', '/dashboards/palmonas-overview?from=now-1h', '/'])('goes to %s', (address) => {
  expect(isLocal(address)).toBe(true);
});

it.each([
  'https://evil.example/', '//evil.example', '/\\evil.example', '\\\\evil.example', 'javascript:alert(1)', 'evil.example',
  '/%0a/../\\evil.example', '/\t/evil.example', '', ' /console',
])('does not go to %j', (address) => {
  expect(readNext(address)).toEqual({});
});
