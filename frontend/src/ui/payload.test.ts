import { expect, it } from 'vitest';
import { indent } from './payload';

it('adds nothing but spaces, outside of strings', () => {
  const text = '{"a": [1.10, {}], "b": "x, [y] \\" {", "c": []}';
  const set = indent(text);
  expect(set).toBe('{\n  "a": [\n    1.10,\n    {}\n  ],\n  "b": "x, [y] \\" {",\n  "c": []\n}');
  expect(JSON.parse(set)).toEqual(JSON.parse(text));
});

it('leaves what is no JSON as it is', () => {
  expect(indent('{"a": ')).toBe('{"a": ');
});

it('stays small, however deep somebody nests', () => {
  const text = '['.repeat(5000) + '1' + ']'.repeat(5000);
  expect(indent(text).length).toBeLessThan(1_000_000);
});
