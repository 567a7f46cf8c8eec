import { Link } from '@tanstack/react-router';
import { createColumnHelper, type RowData } from '@tanstack/react-table';
import type { OrderSummary } from '../../api/types';
import { formatAmount } from '../../lib/money';
import { nameChannel, nameStatus } from '../../lib/names';
import { formatExact, formatWhen } from '../../lib/time';
import { cx } from '../../ui/cx';
import { Tick } from '../../ui/fields';
import { StatusMark } from '../../ui/marks';

declare module '@tanstack/react-table' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- the library's declaration has them
  interface ColumnMeta<TData extends RowData, TValue> {
    cell?: string;
    head?: string;
    /** The cell takes clicks for itself; they do not open the row. */
    own?: boolean;
  }
}

/** Of the table's rows; on a phone a row is two lines. */
export const GRID =
  'md:grid-cols-[20px_minmax(96px,0.9fr)_minmax(104px,0.7fr)_minmax(104px,0.7fr)_minmax(180px,2.4fr)_minmax(112px,0.8fr)_minmax(140px,0.9fr)_minmax(132px,0.8fr)]';

const column = createColumnHelper<OrderSummary>();

export const COLUMNS = [
  column.display({
    id: 'select',
    header: ({ table }) =>
      table.options.enableRowSelection === true ? (
        <Tick
          label="Select all that are loaded"
          checked={table.getIsAllRowsSelected()}
          some={table.getIsSomeRowsSelected()}
          onChange={(wanted) => table.toggleAllRowsSelected(wanted)}
        />
      ) : (
        <span className="sr-only">Selection</span>
      ),
    cell: ({ row }) =>
      row.getCanSelect() && (
        <Tick label={`Select order ${row.original.number}`} checked={row.getIsSelected()} onChange={(wanted) => row.toggleSelected(wanted)} />
      ),
    meta: { cell: 'hidden h-full items-center md:flex', head: 'flex h-full items-center', own: true },
  }),
  column.accessor('number', {
    header: 'Order',
    cell: ({ row: { original: order } }) => (
      <>
        <Link
          to="/orders/$id"
          params={{ id: String(order.id) }}
          onClick={(event) => event.stopPropagation()}
          className="rounded proportional-nums hover:underline"
        >
          {order.number}
        </Link>
        <span className="ml-2 font-normal text-muted md:hidden">
          {nameChannel(order.channel)} · {formatWhen(order.placed_at)}
        </span>
      </>
    ),
    meta: { cell: 'font-medium max-md:order-1' },
  }),
  column.accessor('placed_at', {
    header: 'Placed',
    cell: ({ getValue }) => <span title={formatExact(getValue())}>{formatWhen(getValue())}</span>,
    meta: { cell: 'text-muted max-md:hidden' },
  }),
  column.accessor('channel', { header: 'Channel', cell: ({ getValue }) => nameChannel(getValue()), meta: { cell: 'max-md:hidden' } }),
  column.accessor('customer_name', {
    header: 'Customer',
    cell: ({ row }) => <Customer order={row.original} />,
    meta: { cell: 'max-md:order-3 max-md:text-muted' },
  }),
  column.accessor('status', {
    header: 'Status',
    cell: ({ getValue }) => <StatusMark status={getValue()} />,
    meta: { cell: 'max-md:order-4 max-md:justify-self-end' },
  }),
  column.accessor('channel_status', {
    header: 'Channel says',
    cell: ({ getValue }) => nameStatus(getValue()),
    meta: { cell: 'text-muted max-md:hidden' },
  }),
  column.accessor('total', {
    header: 'Total',
    cell: ({ row }) => <Total order={row.original} />,
    meta: { cell: 'text-right max-md:order-2', head: 'pr-9.5 text-right' },
  }),
];

function Customer({ order }: { order: OrderSummary }) {
  if (order.customer_name === null && order.customer_email === null) {
    return <span className="text-muted">no customer</span>;
  }
  return (
    <>
      {order.customer_name}
      {order.customer_email !== null && (
        <span className={cx('text-muted', order.customer_name !== null && 'ml-2 max-md:hidden')}>{order.customer_email}</span>
      )}
    </>
  );
}

function Total({ order }: { order: OrderSummary }) {
  if (order.total === null) {
    return <span className="pr-9.5 text-muted">not told</span>;
  }
  return (
    <>
      {formatAmount(order.total, order.currency)}
      <span className="ml-1.5 inline-block text-left md:w-8 text-xs text-muted">{order.currency}</span>
    </>
  );
}
