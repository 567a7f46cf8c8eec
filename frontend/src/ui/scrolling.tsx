import type { ComponentProps } from 'react';

interface ScrollingProps extends Omit<ComponentProps<'div'>, 'tabIndex' | 'role' | 'aria-label'> {
  label: string;
}

/** A part of a page that scrolls by itself, so it takes the focus: the browser's own keys scroll it then. */
export function Scrolling({ label, ...props }: ScrollingProps) {
  // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: axe asks for just this
  return <div {...props} tabIndex={0} role="region" aria-label={label} />;
}
