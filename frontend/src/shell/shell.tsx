import { Link, Outlet, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useMay, useSession } from '../api/session';
import { HELP, useKeys } from '../lib/keys';
import { nextTheme, setTheme, theme } from '../lib/theme';
import { useStore } from '../lib/store';
import { Button } from '../ui/button';
import { cx } from '../ui/cx';
import { Modal } from '../ui/dialog';
import { Icon, type IconName } from '../ui/icons';
import { Kbd } from '../ui/marks';
import { AccountMenu } from './account-menu';
import { LogInAgain } from './log-in-again';
import { Mark } from './mark';
import { PLACES, type Place } from './nav';
import { OutageNote } from './outage-note';

export function Shell() {
  const [help, setHelp] = useState(false);
  const navigate = useNavigate();
  const isAdmin = useMay('admin');
  const places = PLACES.filter((place) => place.role === 'viewer' || isAdmin);
  const bindings = Object.fromEntries(places.map((place) => [place.key, () => void navigate({ to: place.to })]));
  useKeys({ ...bindings, '?': () => setHelp(true) });
  return (
    <div className="flex h-full flex-col bg-page">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:rounded focus:bg-surface focus:px-3 focus:py-2"
      >
        To the content
      </a>
      <header className="flex h-12 shrink-0 items-center gap-1 border-b border-line bg-surface px-3 md:px-4">
        <Link to="/orders" className="mr-3 flex items-center gap-2 rounded font-semibold tracking-tight" aria-label="Palmonas, orders">
          <Mark size={22} />
          <span>Palmonas</span>
        </Link>
        <nav aria-label="Pages" className="hidden h-full items-stretch gap-1 md:flex">
          {places.map((place) => (
            <TopLink key={place.to} place={place} />
          ))}
        </nav>
        <div className="ml-auto flex items-center gap-1">
          <Button look="quiet" small aria-label="Keys" title="Keys (?)" className="max-md:hidden" onClick={() => setHelp(true)}>
            <span className="w-4 text-center text-sm">?</span>
          </Button>
          <ThemeButton />
          <AccountMenu />
        </div>
      </header>
      <OutageNote />
      <main id="content" tabIndex={-1} className="min-h-0 flex-1 outline-none">
        <Outlet />
      </main>
      <nav aria-label="Pages" className="flex shrink-0 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:hidden">
        {places.map((place) => (
          <Link
            key={place.to}
            to={place.to}
            className="flex h-13 flex-1 flex-col items-center justify-center gap-0.5 text-[10.5px] text-muted"
            activeProps={{ className: 'text-accent! font-medium' }}
          >
            <Icon name={place.icon} />
            {place.name}
          </Link>
        ))}
      </nav>
      <HelpDialog open={help} onClose={() => setHelp(false)} />
      <LogInAgain />
    </div>
  );
}

function TopLink({ place }: { place: Place }) {
  return (
    <Link
      to={place.to}
      title={`${place.name} (${place.key})`}
      className="relative flex items-center rounded px-2.5 text-muted hover:text-text"
      activeProps={{ className: 'text-text! font-medium after:absolute after:inset-x-2.5 after:-bottom-px after:h-0.5 after:rounded-t after:bg-accent' }}
    >
      {/* The bold text's width, always: the neighbours stay where they are. */}
      <span className="grid">
        <span className="col-start-1 row-start-1">{place.name}</span>
        <span aria-hidden="true" className="invisible col-start-1 row-start-1 font-medium">
          {place.name}
        </span>
      </span>
    </Link>
  );
}

const THEME_ICONS: Record<string, IconName> = { system: 'system', light: 'sun', dark: 'moon' };
const THEME_NAMES: Record<string, string> = { system: "the system's", light: 'light', dark: 'dark' };

function ThemeButton() {
  const now = useStore(theme);
  const label = `Theme: ${THEME_NAMES[now] ?? now}`;
  return (
    <Button look="quiet" small aria-label={label} title={label} onClick={() => setTheme(nextTheme(now))}>
      <Icon name={THEME_ICONS[now] ?? 'system'} />
    </Button>
  );
}

function HelpDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const session = useSession();
  const places = [...new Set(HELP.map((one) => one.where))];
  return (
    <Modal open={open} onClose={onClose} title="Keys" wide>
      <div className="grid gap-x-8 gap-y-5 md:grid-cols-2">
        {places.map((where) => (
          <section key={where}>
            <h3 className="mb-1.5 text-xs font-medium text-muted">{where}</h3>
            <dl>
              {HELP.filter((one) => one.where === where).map((one) => (
                <div key={one.keys} className={cx('flex items-center justify-between gap-3 border-b border-line py-1.5 last:border-0')}>
                  <dt className="order-2 flex gap-1">
                    {one.keys.split(' ').map((key) => (
                      <Kbd key={key}>{key}</Kbd>
                    ))}
                  </dt>
                  <dd>{one.does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      {session?.user.role === 'viewer' && <p className="mt-4 text-muted">You may look at everything here and change nothing: your role is viewer.</p>}
    </Modal>
  );
}
