import { logOut, useMay, useSession } from '../api/session';
import { tellError } from '../api/problem';
import { Button } from '../ui/button';
import { Icon } from '../ui/icons';
import { Dropdown, DropdownItem, DropdownLine, DropdownLink } from '../ui/menu';
import { tell } from '../ui/toast';
import { ELSEWHERE } from './nav';

async function leave(everywhere: boolean): Promise<void> {
  try {
    await logOut(everywhere);
  } catch (error) {
    tell('Not logged out', { detail: tellError(error), failed: true });
  }
}

export function AccountMenu() {
  const session = useSession();
  const isAdmin = useMay('admin');
  if (session === null) {
    return null;
  }
  const name = session.user.email;
  return (
    <Dropdown
      trigger={<Button look="quiet" small aria-label={`Account of ${name}`} className="max-w-52" />}
      label={
        <>
          <Icon name="user" />
          <span className="hidden truncate lg:inline">{name}</span>
          <Icon name="down" />
        </>
      }
    >
      <div className="px-2 pt-1 pb-1.5">
        <p className="max-w-56 truncate font-medium">{name}</p>
        <p className="text-xs text-muted">{session.user.role}</p>
      </div>
      <DropdownLine />
      {ELSEWHERE.filter((one) => one.role === 'viewer' || isAdmin).map((one) => (
        <DropdownLink key={one.href} href={one.href}>
          <span className="flex-1">{one.name}</span>
          <Icon name="out" className="text-muted" />
        </DropdownLink>
      ))}
      <DropdownLine />
      <DropdownItem onSelect={() => void leave(false)}>Log out</DropdownItem>
      <DropdownItem onSelect={() => void leave(true)}>Log out everywhere</DropdownItem>
    </Dropdown>
  );
}
