import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState, type SyntheticEvent } from 'react';
import { auditQuery } from '../api/service';
import type { AuditEntry } from '../api/types';
import { formatExact } from '../lib/time';
import { useTitle } from '../lib/title';
import { Button } from '../ui/button';
import { CopyText } from '../ui/copy-text';
import { Pill } from '../ui/marks';
import { OlderOnes } from '../ui/older-ones';
import { Page } from '../ui/page';
import { Scrolling } from '../ui/scrolling';
import { Empty, ErrorNote, Loading } from '../ui/states';

export function AuditPage() {
  useTitle('Audit log');
  const filters = useSearch({ from: '/shell/audit' });
  const list = useInfiniteQuery(auditQuery(filters));
  const entries = list.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <Page title="Audit log" aside={<Filters key={JSON.stringify(filters)} />}>
      {list.isError && <ErrorNote error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && (
        <div className="skeleton h-[70dvh]">
          <Loading />
        </div>
      )}
      {list.isSuccess && entries.length === 0 && <Empty title="Nothing like this was recorded" />}
      {entries.length > 0 && (
        <Scrolling label="Entries" className="card overflow-x-auto">
          <table className="w-full max-md:block">
            <thead className="max-md:sr-only">
              <tr className="text-left text-xs text-muted *:px-4 *:py-2 *:font-medium">
                <th>When</th>
                <th>Who</th>
                <th>What</th>
                <th>About</th>
                <th>Outcome</th>
                <th>From</th>
                <th>Request</th>
              </tr>
            </thead>
            <tbody className="max-md:block">
              {entries.map((entry) => (
                <Row key={entry.id} entry={entry} />
              ))}
            </tbody>
          </table>
        </Scrolling>
      )}
      <OlderOnes list={list} />
    </Page>
  );
}

function Row({ entry }: { entry: AuditEntry }) {
  const detail = Object.entries(entry.detail)
    .filter(([, value]) => value !== false)
    .map(([name, value]) => [name.replace(/_/g, ' '), ...(value === true ? [] : [typeof value === 'string' ? value : JSON.stringify(value)])].join(' '))
    .join(', ');
  return (
    <tr className="border-t border-line align-top max-md:flex max-md:flex-wrap max-md:gap-x-3 max-md:gap-y-0.5 max-md:px-4 max-md:py-2.5 md:*:px-4 md:*:py-2">
      <td className="whitespace-nowrap text-muted max-md:basis-full max-md:text-xs">{formatExact(entry.at)}</td>
      <td className="break-all">{entry.actor_email ?? entry.actor}</td>
      <td className="font-medium whitespace-nowrap">{entry.action}</td>
      <td className="min-w-0">
        <span className="break-all">{entry.object}</span>
        {detail !== '' && <span className="block text-xs break-words text-muted">{detail}</span>}
      </td>
      <td>
        <Pill tone={entry.outcome === 'done' ? 'ok' : 'warn'}>{entry.outcome}</Pill>
      </td>
      <td className="whitespace-nowrap text-muted">{entry.address ?? ''}</td>
      <td className="max-w-32 text-muted max-md:hidden">
        <CopyText text={entry.request_id} />
      </td>
    </tr>
  );
}

function Filters() {
  const filters = useSearch({ from: '/shell/audit' });
  const navigate = useNavigate({ from: '/audit' });
  const [actor, setActor] = useState(filters.actor ?? '');
  const [action, setAction] = useState(filters.action ?? '');
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    void navigate({ search: { ...(actor.trim() === '' ? {} : { actor: actor.trim() }), ...(action.trim() === '' ? {} : { action: action.trim() }) }, replace: true });
  };
  return (
    <form onSubmit={submit} className="flex flex-wrap items-center gap-2">
      <input className="field w-40" aria-label="Who" placeholder="Who: user:3" value={actor} onChange={(event) => setActor(event.target.value)} />
      <input className="field w-40" aria-label="What" placeholder="What: order.status" value={action} onChange={(event) => setAction(event.target.value)} />
      <Button type="submit">Filter</Button>
    </form>
  );
}
