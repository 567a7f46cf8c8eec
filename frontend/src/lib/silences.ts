import type { Alert } from '../api/types';

/** What a silence goes by: the very labels of one alert, or the name alone. */
export function makeMatchers(alert: Pick<Alert, 'name' | 'labels'>, allOfName: boolean): Record<string, string> {
  if (allOfName) {
    return { alertname: alert.name };
  }
  const labels = Object.entries(alert.labels).filter(([, value]) => value !== '');
  return { alertname: alert.name, ...Object.fromEntries(labels) };
}
