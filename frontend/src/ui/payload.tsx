import { Scrolling } from './scrolling';

/** A raw payload, as it came; readable when it is JSON, and text in any case. */
export function Payload({ text }: { text: string }) {
  return (
    <Scrolling label="Payload" className="max-h-96 overflow-auto rounded-md bg-sunken p-3">
      <pre className="font-mono text-xs leading-4.5 break-all whitespace-pre-wrap">{indent(text)}</pre>
    </Scrolling>
  );
}

const DEEPEST = 40; // levels that are set in: a payload of nothing but brackets would become gigabytes of spaces

/** Only spaces are added, outside of strings: no number is read and written again, so no digit changes. */
export function indent(text: string): string {
  let depth = 0;
  let inString = false;
  let out = '';
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  for (let at = 0; at < text.length; at++) {
    const one = text.charAt(at);
    if (inString) {
      out += one;
      if (one === '\\') {
        at++;
        out += text.charAt(at);
      } else if (one === '"') {
        inString = false;
      }
    } else if (one === '"') {
      inString = true;
      out += one;
    } else if (one === '{' || one === '[') {
      const close = /^\s*[}\]]/.exec(text.slice(at + 1, at + 200));
      if (close) {
        out += one + close[0].trim();
        at += close[0].length;
      } else {
        depth++;
        out += `${one}\n${margin(depth)}`;
      }
    } else if (one === '}' || one === ']') {
      depth--;
      out += `\n${margin(depth)}${one}`;
    } else if (one === ',') {
      out += `,\n${margin(depth)}`;
    } else if (one === ':') {
      out += ': ';
    } else if (!/\s/.test(one)) {
      out += one;
    }
  }
  return out;
}

function margin(depth: number): string {
  return '  '.repeat(Math.min(depth, DEEPEST));
}
