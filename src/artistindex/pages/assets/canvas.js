/* The drawing of the map. Points are drawn into the pixels of an image by our own hand, which a
   processor without a graphics card does for fifty thousand in a few milliseconds; lines, stars, rings
   and labels, of which there are few, by the canvas. */
const MIN_SCALE = 0.8;
const MAX_LABEL = 28;
const CELL = 8; /* pixels: what is taken by labels is kept on a grid of these */

class MapCanvas {
  constructor(canvas, artists, marks) {
    this.canvas = canvas;
    this.artists = artists;
    this.marks = marks; /* row -> {star, ring} */
    this.context = canvas.getContext("2d", { alpha: true, willReadFrequently: true });
    this.order = labelOrder(artists, marks);
    this.labels = [];
    this.widths = new Map();
    this.selected = null;
    this.path = [];
    this.hovered = null;
    this.view = { x: 0.5, y: 0.5, scale: 1 };
    this.readColours();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.readColours();
      this.draw();
    });
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.resize();
  }

  readColours() {
    const style = getComputedStyle(this.canvas);
    const of = (name) => style.getPropertyValue(name).trim();
    this.colours = { ink: of("--ink"), paper: of("--panel"), muted: of("--muted"), accent: of("--accent"), star: of("--star"), point: of("--point") };
    this.stamps = new Map();
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    if (!clientWidth || !clientHeight) return;
    this.ratio = Math.min(2, window.devicePixelRatio || 1);
    this.width = clientWidth;
    this.height = clientHeight;
    this.canvas.width = Math.round(clientWidth * this.ratio);
    this.canvas.height = Math.round(clientHeight * this.ratio);
    this.image = this.context.createImageData(this.canvas.width, this.canvas.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.settle();
  }

  /* --- where things are ------------------------------------------------------------------------ */

  get side() {
    return (Math.min(this.width, this.height) - 56) * this.view.scale;
  }

  toScreen(row) {
    const { side, view } = this;
    return [
      (this.artists.x[row] - view.x) * side + this.width / 2,
      (this.artists.y[row] - view.y) * side + this.height / 2,
    ];
  }

  get mostScale() {
    return Math.max(12, Math.sqrt(this.artists.count));
  }

  get radius() {
    const crowd = Math.max(1.1, Math.min(4.5, 90 / Math.sqrt(this.artists.count)));
    return Math.min(6.5, crowd * this.view.scale ** 0.35);
  }

  /* The artist under a place on the screen, null where there is none near. */
  at(x, y, reach = 14) {
    let nearest = null;
    let best = reach * reach;
    for (let row = 0; row < this.artists.count; row += 1) {
      const [left, top] = this.toScreen(row);
      const distance = (left - x) ** 2 + (top - y) ** 2;
      if (distance < best) [best, nearest] = [distance, row];
    }
    return nearest;
  }

  /* --- moving ----------------------------------------------------------------------------------- */

  pan(x, y) {
    this.view.x -= x / this.side;
    this.view.y -= y / this.side;
    this.keepInSight();
    this.move();
  }

  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const before = this.side;
    this.view.scale = Math.max(MIN_SCALE, Math.min(this.mostScale, this.view.scale * factor));
    const after = this.side;
    this.view.x += (x - this.width / 2) * (1 / before - 1 / after);
    this.view.y += (y - this.height / 2) * (1 / before - 1 / after);
    this.keepInSight();
    this.move();
  }

  keepInSight() {
    this.view.x = Math.max(-0.1, Math.min(1.1, this.view.x));
    this.view.y = Math.max(-0.1, Math.min(1.1, this.view.y));
  }

  fit() {
    this.glide({ x: this.middle[0], y: this.middle[1], scale: 1 });
  }

  get middle() {
    this.bounds ??= [middleOf(this.artists.x), middleOf(this.artists.y)];
    return this.bounds;
  }

  /* Shows some artists, and no closer than makes sense. */
  show(rows) {
    const xs = rows.map((row) => this.artists.x[row]);
    const ys = rows.map((row) => this.artists.y[row]);
    const [left, right] = [Math.min(...xs), Math.max(...xs)];
    const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
    const extent = Math.max(right - left, bottom - top, 0.03);
    const scale = Math.max(1, Math.min(0.7 / extent, this.mostScale / 2));
    this.glide({ x: (left + right) / 2, y: (top + bottom) / 2, scale });
  }

  glide(target) {
    const from = { ...this.view };
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const begun = performance.now();
    cancelAnimationFrame(this.gliding);
    const step = (now) => {
      const done = isStill ? 1 : Math.min(1, (now - begun) / 350);
      const eased = 1 - (1 - done) ** 3;
      for (const name of ["x", "y"]) this.view[name] = from[name] + (target[name] - from[name]) * eased;
      this.view.scale = from.scale * (target.scale / from.scale) ** eased;
      if (done < 1) {
        this.draw();
        this.gliding = requestAnimationFrame(step);
      } else {
        this.settle();
      }
    };
    if (isStill) step(begun);
    else this.gliding = requestAnimationFrame(step);
  }

  /* Draws with the labels as they are, and chooses them anew once all is quiet. */
  move() {
    cancelAnimationFrame(this.gliding);
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => this.settle(), 120);
    this.request();
  }

  request() {
    if (this.requested) return;
    this.requested = requestAnimationFrame(() => {
      this.requested = null;
      this.draw();
    });
  }

  settle() {
    clearTimeout(this.quiet);
    this.labels = this.chooseLabels();
    this.draw();
  }

  /* --- drawing ---------------------------------------------------------------------------------- */

  draw() {
    if (!this.image) return;
    const { context } = this;
    this.drawPoints();
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.drawLines();
    this.drawMarks();
    this.drawLabels();
    this.canvas.dataset.frames = Number(this.canvas.dataset.frames ?? 0) + 1;
  }

  /* Each point is a disc, with a halo as wide as the share of its true neighbours kept. */
  drawPoints() {
    const { artists, pixels, ratio } = this;
    const { width, height } = this.canvas;
    pixels.fill(0);
    const [side, left, top] = [this.side * ratio, (this.width / 2) * ratio, (this.height / 2) * ratio];
    const colour = rgb(this.colours.point);
    const base = colour[0] | (colour[1] << 8) | (colour[2] << 16);
    const radius = this.radius * ratio;
    for (let row = 0; row < artists.count; row += 1) {
      const x = Math.round((artists.x[row] - this.view.x) * side + left);
      const y = Math.round((artists.y[row] - this.view.y) * side + top);
      const stamp = this.stamp(radius, artists.kept[row]);
      const { reach, size, alphas } = stamp;
      if (x < reach || y < reach || x >= width - reach || y >= height - reach) continue;
      for (let line = 0, from = 0; line < size; line += 1) {
        let at = (y - reach + line) * width + x - reach;
        for (let end = from + size; from < end; from += 1, at += 1) {
          const alpha = alphas[from];
          if (alpha) {
            const under = pixels[at] >>> 24;
            pixels[at] = base | ((under + alpha - ((under * alpha) >> 8)) << 24);
          }
        }
      }
    }
    this.context.putImageData(this.image, 0, 0);
  }

  stamp(radius, kept) {
    const key = kept * 1000 + Math.round(radius * 8);
    let stamp = this.stamps.get(key);
    if (!stamp) {
      if (this.stamps.size > 2000) this.stamps.clear();
      stamp = makeStamp(radius, kept / Math.max(1, this.artists.map.kept.k));
      this.stamps.set(key, stamp);
    }
    return stamp;
  }

  drawLines() {
    const { context, colours } = this;
    context.lineCap = "round";
    if (this.path.length) {
      this.stroke(this.path, colours.accent, 3, 0.9);
      return;
    }
    if (this.selected === null) return;
    const neighbours = this.artists.neighbours(this.selected);
    neighbours.forEach((neighbour, place) => {
      const faded = 0.85 - (0.6 * place) / Math.max(1, neighbours.length);
      this.stroke([this.selected, neighbour.row], colours.accent, place < 3 ? 2 : 1.25, faded);
    });
  }

  stroke(rows, colour, width, alpha) {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.globalAlpha = alpha;
    context.beginPath();
    rows.forEach((row, at) => context[at ? "lineTo" : "moveTo"](...this.toScreen(row)));
    context.stroke();
    context.globalAlpha = 1;
  }

  drawMarks() {
    const { colours } = this;
    const crowd = Math.min(1, 14 / Math.sqrt(this.marks.size + 1) + this.view.scale / 8);
    const size = Math.max(3.5, (this.radius + 2.5) * crowd);
    for (const [row, mark] of this.marks) {
      const [x, y] = this.toScreen(row);
      if (!this.isInSight(x, y)) continue;
      if (mark.ring) this.ring(x, y, size + (mark.star ? 4 : 1), colours.accent, 2);
      if (mark.star) this.star(x, y, size + 1.5, colours.star, colours.paper);
    }
    for (const row of this.lit()) {
      const [x, y] = this.toScreen(row);
      const isSelected = row === this.selected;
      if (this.marks.get(row)?.star) this.star(x, y, isSelected ? 10 : 8.5, colours.accent, colours.paper);
      else this.disc(x, y, isSelected ? 6 : 4.5, colours.accent);
      if (isSelected) this.ring(x, y, 14, colours.accent, 2);
    }
    if (this.hovered !== null) this.ring(...this.toScreen(this.hovered), size + 3, colours.ink, 1.5);
  }

  isInSight(x, y) {
    return x > -20 && y > -20 && x < this.width + 20 && y < this.height + 20;
  }

  /* Those whom the reader looks at: the way, or who is selected and the true neighbours. */
  lit() {
    if (this.path.length) return this.path;
    if (this.selected === null) return [];
    return [...this.artists.neighbours(this.selected).map(({ row }) => row), this.selected];
  }

  disc(x, y, radius, colour) {
    const { context } = this;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = this.colours.paper;
    context.stroke();
  }

  ring(x, y, radius, colour, width) {
    const { context } = this;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke();
  }

  star(x, y, radius, fill, edge) {
    const { context } = this;
    context.beginPath();
    for (let corner = 0; corner < 10; corner += 1) {
      const length = corner % 2 ? radius * 0.45 : radius;
      const angle = (corner * Math.PI) / 5 - Math.PI / 2;
      context.lineTo(x + length * Math.cos(angle), y + length * Math.sin(angle));
    }
    context.closePath();
    context.fillStyle = fill;
    context.fill();
    context.lineWidth = 1;
    context.strokeStyle = edge;
    context.stroke();
  }

  /* --- labels ----------------------------------------------------------------------------------- */

  font(isLit) {
    return `${isLit ? "600 13px" : "12px"} system-ui, sans-serif`;
  }

  /* Which names stand where: those that matter most first, none upon another. */
  chooseLabels() {
    if (!this.image) return [];
    const taken = new Taken(this.width, this.height);
    const lit = new Set(this.lit());
    const labels = [];
    const most = Math.round((this.width * this.height) / 7000);
    const place = (row, isLit) => {
      const [x, y] = this.toScreen(row);
      if (x < 4 || y < 8 || x > this.width - 20 || y > this.height - 8) return;
      const width = this.widthOf(row, isLit);
      const gap = Math.max(7, this.radius + 4) + (this.marks.has(row) ? 4 : 0);
      const sides = isLit || this.marks.has(row) ? [[gap, 0], [-gap - width, 0], [-width / 2, -14], [-width / 2, 15]] : [[gap, 0], [-gap - width, 0]];
      for (const [dx, dy] of sides) {
        if (taken.take(x + dx - 2, y + dy - 8, width + 4, 16)) {
          labels.push({ row, dx, dy, isLit });
          return;
        }
      }
    };
    if (this.selected !== null) place(this.selected, true);
    lit.forEach((row) => row !== this.selected && place(row, true));
    for (const row of this.order) {
      if (labels.length >= most) break;
      if (!lit.has(row)) place(row, false);
    }
    return labels;
  }

  widthOf(row, isLit) {
    const key = isLit ? -1 - row : row;
    if (!this.widths.has(key)) {
      this.context.font = this.font(isLit);
      this.widths.set(key, this.context.measureText(labelOf(this.artists.names[row])).width);
    }
    return this.widths.get(key);
  }

  drawLabels() {
    const { context, colours } = this;
    context.textBaseline = "middle";
    context.direction = "ltr";
    context.lineJoin = "round";
    context.lineWidth = 3;
    context.strokeStyle = colours.paper;
    const isDimmed = this.selected !== null || this.path.length > 0;
    const labels = this.hovered === null ? this.labels : [...this.labels, { row: this.hovered, dx: 12, dy: 0, isLit: true }];
    for (const { row, dx, dy, isLit } of labels) {
      const [x, y] = this.toScreen(row);
      const text = labelOf(this.artists.names[row]);
      context.font = this.font(isLit);
      context.globalAlpha = isDimmed && !isLit ? 0.55 : 1;
      context.strokeText(text, x + dx, y + dy);
      context.fillStyle = isLit || this.marks.has(row) ? colours.ink : colours.muted;
      context.fillText(text, x + dx, y + dy);
    }
    context.globalAlpha = 1;
  }
}

class Taken {
  constructor(width, height) {
    this.columns = Math.ceil(width / CELL);
    this.lines = Math.ceil(height / CELL);
    this.cells = new Uint8Array(this.columns * this.lines);
  }

  /* Takes a rectangle, unless it leaves the picture or meets what is taken. */
  take(x, y, width, height) {
    const [left, right] = [Math.floor(x / CELL), Math.floor((x + width) / CELL)];
    const [top, bottom] = [Math.floor(y / CELL), Math.floor((y + height) / CELL)];
    if (left < 0 || top < 0 || right >= this.columns || bottom >= this.lines) return false;
    for (let line = top; line <= bottom; line += 1) {
      for (let column = left; column <= right; column += 1) {
        if (this.cells[line * this.columns + column]) return false;
      }
    }
    for (let line = top; line <= bottom; line += 1) {
      this.cells.fill(1, line * this.columns + left, line * this.columns + right + 1);
    }
    return true;
  }
}

/* Favourites and who plays first, then those who are near to many. */
function labelOrder(artists, marks) {
  const near = new Uint32Array(artists.count);
  for (const row of artists.rows) near[row] += 1;
  const weight = (row) => near[row] + (marks.has(row) ? 1e6 : 0) + (marks.get(row)?.star ? 1e6 : 0);
  return Uint32Array.from(near.keys()).sort((a, b) => weight(b) - weight(a) || a - b);
}

function labelOf(name) {
  const letters = [...shown(name)];
  return letters.length > MAX_LABEL ? `${letters.slice(0, MAX_LABEL - 1).join("")}…` : letters.join("");
}

function makeStamp(radius, share) {
  const halo = radius * (1 + 1.1 * share);
  const reach = Math.ceil(halo);
  const size = 2 * reach + 1;
  const alphas = new Uint8Array(size * size);
  for (let y = -reach; y <= reach; y += 1) {
    for (let x = -reach; x <= reach; x += 1) {
      const distance = Math.hypot(x, y);
      const core = Math.max(0, Math.min(1, radius * 0.8 - distance + 0.5));
      const glow = Math.max(0, Math.min(1, halo - distance + 0.5));
      alphas[(y + reach) * size + x + reach] = Math.round(255 * Math.max(0.8 * core, 0.22 * glow));
    }
  }
  return { reach, size, alphas };
}

function rgb(colour) {
  const [, red, green, blue] = /^#(..)(..)(..)$/.exec(colour) ?? [null, "88", "88", "88"];
  return [red, green, blue].map((part) => Number.parseInt(part, 16));
}

function middleOf(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return (low + high) / 2;
}
