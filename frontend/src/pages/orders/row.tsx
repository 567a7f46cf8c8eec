import { flexRender, type Row } from '@tanstack/react-table';
import { memo } from 'react';
import type { OrderSummary } from '../../api/types';
import { cx } from '../../ui/cx';
import { Skeleton } from '../../ui/states';
import { GRID } from './columns';

export const WIDE_ROW = 36; // px, h-9 below
export const NARROW_ROW = 62;

interface RowProps {
  row: Row<OrderSummary>;
  /** The same as the row says; here because a row of the table is one object for ever. */
  selected: boolean;
  top: number;
  current: boolean;
  onOpen: (id: number) => void;
}

/** One order: a row of the table; on a phone, two lines. Of a fixed height, so that nothing moves. */
export const OrderRow = memo(function OrderRow({ row, selected, top, current, onOpen }: RowProps) {
  return (
    // The keys are the page's (j, k, Enter, x); the number is the link.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      role="row"
      tabIndex={-1}
      aria-rowindex={row.index + 2}
      aria-selected={selected}
      data-current={current || undefined}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onOpen(row.original.id)}
      className={cx(
        'absolute inset-x-0 top-0 grid h-[62px] cursor-pointer items-center border-b border-line px-3 md:h-9 md:gap-4 md:px-4',
        'grid-cols-[minmax(0,1fr)_auto] grid-rows-2 gap-x-3 py-2 md:grid-rows-1 md:py-0',
        GRID,
        selected ? 'bg-accent-soft' : current ? 'bg-hover' : 'bg-surface hover:bg-hover',
        current && 'shadow-[inset_3px_0_0_var(--accent)]',
      )}
    >
      {row.getVisibleCells().map((cell) => {
        const meta = cell.column.columnDef.meta;
        return (
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
          <div key={cell.id} role="cell" className={cx('min-w-0 truncate', meta?.cell)} onClick={meta?.own ? (event) => event.stopPropagation() : undefined}>
            {flexRender(cell.column.columnDef.cell, cell.getContext())}
          </div>
        );
      })}
    </div>
  );
});

const WIDTHS = ['w-40', 'w-56', 'w-48', 'w-64'];

/** The same row, while its order is on its way. */
export function RowSkeleton({ index }: { index: number }) {
  return (
    <div
      className={cx('grid h-[62px] grid-cols-[1fr_auto] items-center gap-x-3 border-b border-line bg-surface px-3 md:h-9 md:gap-4 md:px-4', GRID)}
      aria-hidden="true"
    >
      <span className="hidden md:block" />
      <Skeleton className="w-14" />
      <Skeleton className="w-16" />
      <Skeleton className="hidden w-16 md:inline-block" />
      <Skeleton className={cx(WIDTHS[index % WIDTHS.length], 'max-w-full')} />
      <Skeleton className="w-20" />
      <Skeleton className="hidden w-16 md:inline-block" />
      <Skeleton className="hidden w-20 justify-self-end md:inline-block" />
    </div>
  );
}
