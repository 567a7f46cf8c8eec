// @vitest-environment jsdom
import { fireEvent, render, screen } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { DayField } from './day-field';

it('waits for the whole year, and keeps what is written so far', () => {
  const onDay = vi.fn();
  render(<DayField label="From" value="2026-02-25" onDay={onDay} />);
  const field = screen.getByLabelText<HTMLInputElement>('From');
  for (const day of ['0002-02-25', '0020-02-25', '0202-02-25']) {
    fireEvent.change(field, { target: { value: day } });
    expect(field.value).toBe(day);
  }
  expect(onDay).not.toHaveBeenCalled();
  fireEvent.change(field, { target: { value: '2025-02-25' } });
  expect(onDay).toHaveBeenCalledExactlyOnceWith('2025-02-25');
});

it('shows what counts when it is left half written', () => {
  render(<DayField label="From" value="2026-02-25" onDay={vi.fn()} />);
  const field = screen.getByLabelText<HTMLInputElement>('From');
  fireEvent.change(field, { target: { value: '0002-02-25' } });
  fireEvent.blur(field);
  expect(field.value).toBe('2026-02-25');
});

it('tells that a day was taken away', () => {
  const onDay = vi.fn();
  render(<DayField label="From" value="2026-02-25" onDay={onDay} />);
  fireEvent.change(screen.getByLabelText('From'), { target: { value: '' } });
  expect(onDay).toHaveBeenCalledExactlyOnceWith('');
});
