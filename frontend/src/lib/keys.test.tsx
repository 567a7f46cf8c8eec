// @vitest-environment jsdom
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import { matchKey, useKeys, type Bindings } from './keys';

function Page({ bindings }: { bindings: Bindings }) {
  useKeys(bindings);
  return (
    <>
      <input aria-label="text" />
      <button>button</button>
    </>
  );
}

it('prefers a pair to its second key alone', () => {
  const bindings = { 'g o': vi.fn(), o: vi.fn() };
  expect(matchKey(bindings, 'g', 'o')).toBe('g o');
  expect(matchKey(bindings, null, 'o')).toBe('o');
  expect(matchKey(bindings, 'x', 'q')).toBeNull();
});

it('hears keys, pairs, and nothing while somebody writes', async () => {
  const bindings = { j: vi.fn(), 'g o': vi.fn(), Enter: vi.fn() };
  render(<Page bindings={bindings} />);
  const user = userEvent.setup();
  await user.keyboard('jgo');
  expect(bindings.j).toHaveBeenCalledTimes(1);
  expect(bindings['g o']).toHaveBeenCalledTimes(1);
  await user.type(screen.getByLabelText('text'), 'jgo');
  expect(bindings.j).toHaveBeenCalledTimes(1);
  expect(bindings['g o']).toHaveBeenCalledTimes(1);
  await user.keyboard('{Control>}j{/Control}');
  expect(bindings.j).toHaveBeenCalledTimes(1);
});

it('is quiet under a dialog, and not under what was just told', async () => {
  const bindings = { j: vi.fn() };
  const { rerender } = render(<div role="dialog" aria-modal="false" />);
  render(<Page bindings={bindings} />);
  await userEvent.keyboard('j');
  expect(bindings.j).toHaveBeenCalledTimes(1);
  rerender(<div role="dialog" />);
  await userEvent.keyboard('j');
  expect(bindings.j).toHaveBeenCalledTimes(1);
});

it("leaves Enter to the button that has the focus", async () => {
  const bindings = { Enter: vi.fn() };
  render(<Page bindings={bindings} />);
  screen.getByText('button').focus();
  await userEvent.keyboard('{Enter}');
  expect(bindings.Enter).not.toHaveBeenCalled();
});
