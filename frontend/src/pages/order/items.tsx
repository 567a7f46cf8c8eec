import type { ReactNode } from 'react';
import type { Order } from '../../api/types';
import { formatAmount, formatQuantity, isZero } from '../../lib/money';
import { nameStatus } from '../../lib/names';
import { formatExact } from '../../lib/time';
import { Section } from './facts';

const HEAD = 'pb-1.5 font-medium';
const NUMBER = 'text-right whitespace-nowrap';

export function Items({ order }: { order: Order }) {
  const money = (amount: string | null): string => (amount === null ? '' : formatAmount(amount, order.currency));
  return (
    <Section title="Items" aside={<span className="text-xs text-muted">{order.currency ?? 'no currency told'}</span>}>
      {order.items.length === 0 ? (
        <p className="text-muted">The channel told no items yet.</p>
      ) : (
        <div className="-mx-4 overflow-x-auto px-4">
          <table className="w-full">
            <thead>
              <tr className="text-left text-xs text-muted">
                <th className={HEAD}>Item</th>
                <th className={`${HEAD} ${NUMBER} pl-4`}>Quantity</th>
                <th className={`${HEAD} ${NUMBER} pl-4`}>Each</th>
                <th className={`${HEAD} ${NUMBER} pl-4 max-md:hidden`}>Discount</th>
                <th className={`${HEAD} ${NUMBER} pl-4 max-md:hidden`}>Tax</th>
                <th className={`${HEAD} ${NUMBER} pl-4`}>Total</th>
              </tr>
            </thead>
            <tbody>
              {order.items.map((item) => (
                <tr key={item.position} className="border-t border-line align-top">
                  <td className="py-2">
                    <span className="block min-w-24 wrap-anywhere">{item.name}</span>
                    {item.sku !== null && <span className="block font-mono text-xs break-all text-muted">{item.sku}</span>}
                  </td>
                  <td className={`${NUMBER} py-2 pl-4`}>{formatQuantity(item.quantity)}</td>
                  <td className={`${NUMBER} py-2 pl-4`}>{money(item.unit_price)}</td>
                  <td className={`${NUMBER} py-2 pl-4 text-muted max-md:hidden`}>{isZero(item.discount) ? '' : money(item.discount)}</td>
                  <td className={`${NUMBER} py-2 pl-4 text-muted max-md:hidden`}>{money(item.tax)}</td>
                  <td className={`${NUMBER} py-2 pl-4`}>{money(item.total)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Totals order={order} money={money} />
    </Section>
  );
}

function Totals({ order, money }: { order: Order; money: (amount: string | null) => string }) {
  const lines: [string, string | null][] = [
    ['Subtotal', order.subtotal],
    ['Discounts', isZero(order.discount_total) ? null : order.discount_total],
    ['Shipping', order.shipping_total],
    [order.prices_include_tax === true ? 'Tax, included' : 'Tax', order.tax_total],
  ];
  return (
    <dl className="mt-1 ml-auto grid max-w-72 grid-cols-[1fr_auto] gap-x-6 gap-y-1 border-t border-line pt-3">
      {lines
        .filter(([, amount]) => amount !== null)
        .map(([name, amount]) => (
          <div key={name} className="contents text-muted">
            <dt>{name}</dt>
            <dd className={NUMBER}>{money(amount)}</dd>
          </div>
        ))}
      <dt className="pt-1 font-semibold">Total</dt>
      <dd className={`${NUMBER} pt-1 font-semibold`}>{order.total === null ? 'not told' : money(order.total)}</dd>
    </dl>
  );
}

/** Refunds and fulfilments, when there are any. */
export function Attachments({ order }: { order: Order }) {
  return (
    <>
      {order.refunds.length > 0 && (
        <Section title="Refunds">
          <Rows>
            {order.refunds.map((one) => (
              <Row key={one.external_id} left={one.reason ?? 'No reason told'} under={one.refunded_at === null ? one.external_id : formatExact(one.refunded_at)}>
                {formatAmount(one.amount, one.currency ?? order.currency)} {one.currency ?? order.currency}
              </Row>
            ))}
          </Rows>
        </Section>
      )}
      {order.fulfillments.length > 0 && (
        <Section title="Fulfilments">
          <Rows>
            {order.fulfillments.map((one) => (
              <Row key={one.external_id} left={one.carrier ?? 'No carrier told'} under={one.tracking_numbers.join(', ') || one.external_id}>
                {nameStatus(one.status)}
              </Row>
            ))}
          </Rows>
        </Section>
      )}
    </>
  );
}

function Rows({ children }: { children: ReactNode }) {
  return <ul className="flex flex-col divide-y divide-line">{children}</ul>;
}

function Row({ left, under, children }: { left: string; under: string; children: ReactNode }) {
  return (
    <li className="flex items-start justify-between gap-4 py-2 first:pt-0 last:pb-0">
      <span className="min-w-0">
        <span className="block break-words">{left}</span>
        <span className="block text-xs break-all text-muted">{under}</span>
      </span>
      <span className={NUMBER}>{children}</span>
    </li>
  );
}
