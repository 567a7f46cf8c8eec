import type { ButtonHTMLAttributes, Ref } from 'react';
import { cx } from './cx';

export type Look = 'plain' | 'main' | 'quiet' | 'danger';

const LOOKS: Record<Look, string> = {
  plain: 'border-strong bg-surface text-text hover:bg-hover',
  main: 'border-transparent bg-accent text-on-accent hover:brightness-110',
  quiet: 'border-transparent bg-transparent text-muted hover:bg-hover hover:text-text',
  danger: 'border-transparent bg-bad-soft text-bad hover:brightness-97',
};

/** The class of what looks like a button, links too. */
export function buttonClass(look: Look = 'plain', small = false): string {
  return cx(
    'inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md border font-medium whitespace-nowrap',
    'transition-[background-color,filter] duration-100 disabled:cursor-default disabled:opacity-50',
    small ? 'h-7 px-2 text-xs' : 'h-8 px-3 text-sm',
    LOOKS[look],
  );
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: Look;
  small?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ look = 'plain', small = false, className, type = 'button', ...rest }: ButtonProps) {
  return <button type={type} className={cx(buttonClass(look, small), className)} {...rest} />;
}
