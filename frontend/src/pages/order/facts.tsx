import type { ReactNode } from 'react';
import type { Order } from '../../api/types';
import { formatAddress } from '../../lib/conflict';
import { nameChannel, nameStatus } from '../../lib/names';
import { formatExact } from '../../lib/time';
import { CopyText } from '../../ui/copy-text';

export function Section({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className="card">
      <div className="flex h-10 items-center justify-between gap-3 border-b border-line px-4">
        <h2 className="font-semibold">{title}</h2>
        {aside}
      </div>
      <div className="px-4 py-3">{children}</div>
    </section>
  );
}

export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1.5">
      {facts.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="text-right break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Customer({ order }: { order: Order }) {
  const nobody = [order.customer_name, order.customer_email, order.customer_phone].every((one) => one === null);
  return (
    <Section title="Customer">
      {nobody ? (
        <p className="text-muted">The channel told nobody.</p>
      ) : (
        <div className="flex flex-col gap-0.5">
          {order.customer_name !== null && <p className="font-medium break-words">{order.customer_name}</p>}
          {order.customer_email !== null && <p className="break-words">{order.customer_email}</p>}
          {order.customer_phone !== null && <p className="break-words">{order.customer_phone}</p>}
        </div>
      )}
      <Addresses order={order} />
      {order.note !== null && (
        <div className="mt-3 border-t border-line pt-3">
          <p className="mb-0.5 text-xs text-muted">Note</p>
          <p className="break-words whitespace-pre-line">{order.note}</p>
        </div>
      )}
    </Section>
  );
}

function Addresses({ order }: { order: Order }) {
  const shipping = formatAddress(order.shipping_address);
  const billing = formatAddress(order.billing_address);
  if (shipping.length === 0 && billing.length === 0) {
    return null;
  }
  const same = shipping.join('\n') === billing.join('\n');
  const shown: [string, string[]][] = same ? [['Shipping and billing', shipping]] : [['Shipping', shipping], ['Billing', billing]]; // prettier-ignore
  return (
    <div className="mt-3 grid gap-3 border-t border-line pt-3">
      {shown
        .filter(([, lines]) => lines.length > 0)
        .map(([name, lines]) => (
          <div key={name}>
            <p className="mb-0.5 text-xs text-muted">{name}</p>
            <address className="break-words not-italic">
              {lines.map((line, index) => (
                <span key={index} className="block">
                  {line}
                </span>
              ))}
            </address>
          </div>
        ))}
    </div>
  );
}

export function About({ order }: { order: Order }) {
  return (
    <Section title="Order">
      <Facts
        facts={[
          ['Channel', nameChannel(order.channel)],
          ["Channel's id", <CopyText key="id" text={order.external_id} />],
          ['Channel says', nameStatus(order.channel_status)],
          ['Our progress', nameStatus(order.progress)],
          ['Placed', formatExact(order.placed_at)],
          ['First stored', formatExact(order.created_at)],
          ['Last changed', formatExact(order.updated_at)],
          ['Revision', String(order.revision)],
        ]}
      />
    </Section>
  );
}
