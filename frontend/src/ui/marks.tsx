// Small marks: states as a dot and a word, channels, ids.
import type { ReactNode } from 'react';
import { nameStatus, toneOf, type Tone } from '../lib/names';
import { cx } from './cx';

const DOTS: Record<Tone, string> = {
  neutral: 'bg-muted',
  accent: 'bg-accent',
  violet: 'bg-violet',
  ok: 'bg-ok',
  warn: 'bg-warn',
  bad: 'bg-bad',
};
const PILLS: Record<Tone, string> = {
  neutral: 'bg-sunken text-muted',
  accent: 'bg-accent-soft text-accent',
  violet: 'bg-violet-soft text-violet',
  ok: 'bg-ok-soft text-ok',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
};

export function Dot({ tone }: { tone: Tone }) {
  return <span aria-hidden="true" className={cx('inline-block size-2 shrink-0 rounded-full', DOTS[tone])} />;
}

export function StatusMark({ status, muted = false }: { status: string; muted?: boolean }) {
  return (
    <span className={cx('inline-flex min-w-0 items-center gap-1.5', muted && 'text-muted')}>
      <Dot tone={toneOf(status)} />
      <span className="truncate">{nameStatus(status)}</span>
    </span>
  );
}

export function Pill({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className={cx('inline-flex h-5 shrink-0 items-center gap-1 rounded-full px-2 text-xs font-medium whitespace-nowrap', PILLS[tone])}>
      {children}
    </span>
  );
}

export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd className="inline-flex h-5 min-w-5 items-center justify-center rounded border border-line bg-sunken px-1 font-sans text-xs text-muted">
      {children}
    </kbd>
  );
}
