import { flexRender, type Table } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import type { OrderSummary } from '../../api/types';
import { useWide } from '../../lib/media';
import { cx } from '../../ui/cx';
import { Scrolling } from '../../ui/scrolling';
import { GRID } from './columns';
import { NARROW_ROW, OrderRow, RowSkeleton, WIDE_ROW } from './row';

const AHEAD = 30; // rows before the end at which the next page is asked for

interface OrderListProps {
  table: Table<OrderSummary>;
  /** Another address has another place. */
  place: string;
  current: number;
  /** Another number: from the top again. */
  round: number;
  hasMore: boolean;
  loadingMore: boolean;
  onMore: () => void;
  onOpen: (id: number) => void;
}

/** How far each list was scrolled when it was left, so that coming back comes back. */
const offsets = new Map<string, number>();

export function OrderList({ table, place, current, round, hasMore, loadingMore, onMore, onOpen }: OrderListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const height = useWide() ? WIDE_ROW : NARROW_ROW;
  const rows = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
    initialOffset: offsets.get(place) ?? 0,
    onChange: (changed) => {
      offsets.set(place, changed.scrollOffset ?? 0);
    },
  });
  useEffect(() => virtual.measure(), [virtual, height]);
  useEffect(() => {
    if (current >= 0) {
      virtual.scrollToIndex(current, { align: 'auto' });
    }
  }, [virtual, current]);
  const begun = useRef(round);
  useEffect(() => {
    if (round !== begun.current) {
      begun.current = round;
      virtual.scrollToOffset(0);
    }
  }, [virtual, round]);
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && !loadingMore && last >= rows.length - AHEAD) {
      onMore();
    }
  }, [hasMore, loadingMore, last, rows.length, onMore]);
  return (
    <Scrolling ref={scroller} label="List of orders" className="min-h-0 flex-1 overflow-auto outline-none">
      <div role="table" aria-label="Orders" aria-rowcount={hasMore ? -1 : rows.length + 1} className="md:min-w-[1000px]">
        <div role="rowgroup" className="sticky top-0 z-10 hidden md:block">
          <div role="row" aria-rowindex={1} className={cx('grid h-8 items-center gap-4 border-b border-line bg-page px-4 text-xs font-medium text-muted', GRID)}>
            {table.getFlatHeaders().map((header) => (
              <div key={header.id} role="columnheader" className={header.column.columnDef.meta?.head}>
                {flexRender(header.column.columnDef.header, header.getContext())}
              </div>
            ))}
          </div>
        </div>
        <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
          {shown.map((item) => {
            const row = rows[item.index];
            return (
              row !== undefined && (
                <OrderRow key={row.id} row={row} selected={row.getIsSelected()} top={item.start} current={item.index === current} onOpen={onOpen} />
              )
            );
          })}
        </div>
      </div>
      {hasMore && [0, 1, 2].map((one) => <RowSkeleton key={one} index={one} />)}
    </Scrolling>
  );
}
