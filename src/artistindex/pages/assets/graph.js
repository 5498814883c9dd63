/* A path in small steps, as `artistindex path` walks it: the largest step as small as can be, and of
   such paths the one with the fewest steps, then the one whose steps are smallest together. */

class Queue {
  constructor(before) {
    this.before = before;
    this.items = [];
  }

  push(item) {
    const { items } = this;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(items[at], items[parent])) break;
      [items[at], items[parent]] = [items[parent], items[at]];
      at = parent;
    }
  }

  pop() {
    const { items } = this;
    const top = items[0];
    const last = items.pop();
    if (!items.length) return top;
    items[0] = last;
    for (let at = 0; ; ) {
      let next = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < items.length && this.before(items[child], items[next])) next = child;
      }
      if (next === at) return top;
      [items[at], items[next]] = [items[next], items[at]];
      at = next;
    }
  }
}

/* The steps from one row to another, null where the neighbours lead nowhere. Steps go from an artist
   to one of its neighbours; only where that leads nowhere also the other way round. */
function findPath(artists, start, end) {
  return walk(stepsForward(artists), artists, start, end) ?? walk(stepsBothWays(artists), artists, start, end);
}

const stepsForward = (artists) => (row) => artists.neighbours(row);

function stepsBothWays(artists) {
  const back = Array.from({ length: artists.count }, () => []);
  for (let row = 0; row < artists.count; row += 1) {
    for (const step of artists.neighbours(row)) {
      back[step.row].push({ row, score: step.score, at: step.at, isBack: true });
    }
  }
  return (row) => [...artists.neighbours(row), ...back[row]];
}

function walk(steps, artists, start, end) {
  const bar = widest(steps, artists, start, end);
  return bar === null ? null : shortest(steps, artists, start, end, bar);
}

function widest(steps, artists, start, end) {
  const reached = new Float64Array(artists.count).fill(-Infinity);
  const done = new Uint8Array(artists.count);
  const queue = new Queue(([a], [b]) => a > b);
  reached[start] = Infinity;
  queue.push([Infinity, start]);
  while (queue.items.length) {
    const [bar, row] = queue.pop();
    if (row === end) return bar;
    if (done[row]) continue;
    done[row] = 1;
    for (const step of steps(row)) {
      const narrowest = Math.min(bar, step.score);
      if (narrowest > reached[step.row]) {
        reached[step.row] = narrowest;
        queue.push([narrowest, step.row]);
      }
    }
  }
  return null;
}

function shortest(steps, artists, start, end, bar) {
  const best = new Map([[start, [0, 0]]]);
  const before = new Map();
  const isLess = ([a, x], [b, y]) => a < b || (a === b && x < y);
  const queue = new Queue(isLess);
  queue.push([0, 0, start]);
  while (queue.items.length) {
    const [count, length, row] = queue.pop();
    if (row === end) break;
    for (const step of steps(row)) {
      const reached = [count + 1, length + 1 - step.score];
      if (step.score >= bar && isLess(reached, best.get(step.row) ?? [Infinity, Infinity])) {
        best.set(step.row, reached);
        before.set(step.row, { ...step, from: row });
        queue.push([...reached, step.row]);
      }
    }
  }
  const path = [];
  for (let row = end; row !== start; row = path[0].from) path.unshift(before.get(row));
  return path;
}
