// How a channel is doing, in one word.
import type { Channel } from '../api/types';
import type { Tone } from './names';

export interface Judgement {
  tone: Tone;
  text: string;
  silent: boolean;
}

// Of the usual gap between two deliveries. Not an alert, which weighs more: a hint where to look.
const TOO_SILENT = 4;
const SHORTEST_SILENCE_S = 600;

export function judgeChannel(channel: Channel): Judgement {
  const { silence_s: silence, usual_gap_s: usual } = channel;
  const silent = silence !== null && usual !== null && silence > Math.max(SHORTEST_SILENCE_S, usual * TOO_SILENT);
  if (channel.circuit === 'open') {
    return { tone: 'bad', text: 'Circuit open', silent };
  }
  if (channel.poll?.error != null) {
    return { tone: 'bad', text: 'Poll fails', silent };
  }
  if (channel.quarantined > 0) {
    return { tone: 'warn', text: 'Quarantine', silent };
  }
  if (silent) {
    return { tone: 'warn', text: 'Silent', silent };
  }
  if ((channel.signature_failures_1h ?? 0) > 0) {
    return { tone: 'warn', text: 'Wrong signatures', silent };
  }
  if (channel.circuit === 'half_open') {
    return { tone: 'warn', text: 'Circuit half open', silent };
  }
  return { tone: 'ok', text: 'Well', silent };
}
