import type { ReactNode } from 'react';
import { Scrolling } from './scrolling';

/** A page that scrolls as a whole, under its title. */
export function Page({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <Scrolling label={title} className="h-full overflow-y-auto outline-none">
      <div className="mx-auto flex max-w-[1600px] flex-col gap-4 p-3 pb-8 md:p-4">
        <div className="flex min-h-8 flex-wrap items-center justify-between gap-x-4 gap-y-2">
          <h1 className="text-lg font-semibold tracking-tight">{title}</h1>
          {aside}
        </div>
        {children}
      </div>
    </Scrolling>
  );
}
