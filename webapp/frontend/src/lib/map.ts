export interface Point {
  x: number;
  y: number;
}

/** An S-shaped line that leaves and arrives along the map's direction. */
export function edgePath(from: Point, to: Point, vertical: boolean): string {
  const [x1, y1, x2, y2] = [from.x, from.y, to.x, to.y].map((value) => Math.round(value * 10) / 10) as [
    number,
    number,
    number,
    number,
  ];
  if (x1 === x2 || y1 === y2) return `M${x1} ${y1}L${x2} ${y2}`;
  if (vertical) return verticalPath(x1, y1, x2, y2);
  const middle = (x1 + x2) / 2;
  return `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}

/** On a phone the branches stand in one indented column: step aside at once, then run straight down. */
function verticalPath(x1: number, y1: number, x2: number, y2: number): string {
  const step = Math.min(48, (y2 - y1) / 2);
  if (x2 > x1) return `M${x1} ${y1}C${x1} ${y1 + step} ${x2} ${y1} ${x2} ${y1 + 1.6 * step}L${x2} ${y2}`;
  return `M${x1} ${y1}L${x1} ${y2 - 1.6 * step}C${x1} ${y2} ${x2} ${y2 - step} ${x2} ${y2}`;
}
