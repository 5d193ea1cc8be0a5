export interface Point {
  x: number;
  y: number;
}

const TURN = 60; // px before the target in which a line changes its row, so that it crosses no label
const CORNER = 14; // px, the radius of a rail's corner

/** A line from node to node: along the map's direction first, then over to the target's row or column. */
export function edgePath(from: Point, to: Point, vertical: boolean): string {
  const [x1, y1, x2, y2] = [round(from.x), round(from.y), round(to.x), round(to.y)];
  if (x1 === x2 || y1 === y2) return `M${x1} ${y1}L${x2} ${y2}`;
  if (vertical) return railPath(x1, y1, x2, y2);
  const turn = Math.max(x1, x2 - TURN);
  const middle = round((turn + x2) / 2);
  return `M${x1} ${y1}L${turn} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}

/** Nodes that stand aside hang on one straight rail: the column of the node before or after them. */
function railPath(x1: number, y1: number, x2: number, y2: number): string {
  if (x2 > x1) return `M${x1} ${y1}L${x1} ${y2 - CORNER}Q${x1} ${y2} ${x1 + CORNER} ${y2}L${x2} ${y2}`;
  return `M${x1} ${y1}L${x2 + CORNER} ${y1}Q${x2} ${y1} ${x2} ${y1 + CORNER}L${x2} ${y2}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
