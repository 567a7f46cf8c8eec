// Lines of a small graph: on one axis of time, and named by what tells them apart.

type Labels = Record<string, string>;
interface Line {
  points: [number, number | null][];
}

/** One column of times and one of values for each line; a time that a line does not have is a gap. */
export function alignLines(lines: Line[]): (number | null)[][] {
  const times = [...new Set(lines.flatMap((line) => line.points.map(([at]) => at)))].sort((one, other) => one - other);
  const columns = lines.map((line) => {
    const known = new Map(line.points);
    return times.map((at) => known.get(at) ?? null);
  });
  return [times, ...columns];
}

/** The values of the labels in which the lines differ; of the only line, nothing. */
export function nameLine(labels: Labels, all: Labels[]): string {
  const names = Object.keys(labels).filter((name) => all.some((other) => other[name] !== labels[name]));
  return names.map((name) => labels[name]).join(', ');
}
