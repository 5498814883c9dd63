/* The data in the page: a header of text and columns of numbers. See packing.py. */
const WIDTHS = { u8: 1, u16: 2, u32: 4 };
const NO_TRACK = 255;

async function readData() {
  const packed = atob(byId("data").textContent.trim());
  const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const content = new Uint8Array(await new Response(stream).arrayBuffer());
  const end = 4 + new DataView(content.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(content.subarray(4, end)));
  const columns = {};
  for (const [name, [type, offset, length]] of Object.entries(header.arrays)) {
    columns[name] = joinPlanes(content, end + offset, WIDTHS[type], length);
  }
  return { header, artists: header.map ? new Artists(header.map, columns) : null };
}

function joinPlanes(content, from, width, length) {
  const numbers = new Uint32Array(length);
  for (let plane = 0; plane < width; plane += 1) {
    const start = from + plane * length;
    const shift = 8 * plane;
    for (let at = 0; at < length; at += 1) numbers[at] |= content[start + at] << shift;
  }
  return numbers;
}

/* The artists of the index, by row. */
class Artists {
  constructor(map, columns) {
    this.map = map;
    this.names = map.names;
    this.count = map.names.length;
    this.k = map.k;
    this.kept = columns.kept;
    this.counts = columns.counts;
    this.x = Float32Array.from(columns.x, (step) => step / 65535);
    this.y = Float32Array.from(columns.y, (step) => step / 65535);
    this.rows = columns.rows;
    this.scores = sums(columns.falls, this.k);
    this.firstTrack = starts(columns.named);
    this.leaving = columns.leaving;
    this.entering = columns.entering;
    this.joins = columns.joins;
    this.folded = map.names.map((name, row) => map.folded[row] ?? smallLetters(name));
  }

  /* The neighbours of a row, the nearest first: their rows and cosines. */
  neighbours(row) {
    const list = [];
    for (let at = row * this.k; at < (row + 1) * this.k; at += 1) {
      list.push({ row: this.rows[at], score: this.scores[at] / 1000 - 1, at });
    }
    return list;
  }

  percentile(score) {
    const levels = this.map.background;
    if (levels.length < 2) return null;
    const above = levels.findIndex((level) => level > score);
    if (above < 0) return 100;
    if (above === 0) return 0;
    const between = (score - levels[above - 1]) / (levels[above] - levels[above - 1]);
    return (100 * (above - 1 + between)) / (levels.length - 1);
  }

  /* A track that is named of a row: the one to begin with, or the one at a position. */
  track(row, position = 0) {
    const at = this.firstTrack[row] + position;
    if (at >= this.firstTrack[row + 1]) return null;
    const { titles, links, audio, pages } = this.map.tracks;
    const short = links?.[at];
    return {
      title: titles[at],
      link: short ? pages[short[0]] + short.slice(1) : null,
      audio: audio?.[at] || null,
    };
  }

  /* The two tracks that join a row with the neighbour at `at` of the columns. */
  joint(row, at) {
    if (!this.leaving || this.leaving[at] === NO_TRACK || this.entering[at] === NO_TRACK) return null;
    return {
      leaving: this.track(row, this.leaving[at]),
      entering: this.track(this.rows[at], this.entering[at]),
      score: this.joins[at] / 1000 - 1,
    };
  }

  /* The artist's pages by service. */
  pages(row) {
    const pages = Object.entries(this.map.ids)
      .filter(([, ids]) => ids[row])
      .map(([service, ids]) => [service, this.map.pages[service] + encodeURIComponent(ids[row])]);
    const name = encodeURIComponent(shown(this.names[row]).toLowerCase()).replaceAll("%20", "+");
    return [...pages, ["music-map", `https://www.music-map.com/${name}`]];
  }

  key(row) {
    return this.map.keys[row] ?? this.names[row];
  }

  /* The row that a key or a spelling means, -1 for none. */
  find(key) {
    this.byKey ??= new Map(this.names.map((_, row) => [this.key(row), row]).reverse());
    if (this.byKey.has(key)) return this.byKey.get(key);
    const typed = fold(key);
    return this.folded.indexOf(typed);
  }

  /* The rows whose names fit what was typed, the best first. */
  search(text, limit) {
    const typed = fold(text);
    if (!typed) return [];
    const fits = [];
    for (let row = 0; row < this.count; row += 1) {
      const place = this.folded[row].indexOf(typed);
      if (place >= 0) fits.push([this.rank(row, typed, place), row]);
    }
    fits.sort(([a, first], [b, second]) => a - b || this.folded[first].length - this.folded[second].length || first - second);
    return fits.slice(0, limit).map(([, row]) => row);
  }

  rank(row, typed, place) {
    const name = this.folded[row];
    if (name === typed) return 0;
    if (place === 0) return 1;
    return name.includes(` ${typed}`) ? 2 : 3;
  }
}

const smallLetters = (name) => name.toLowerCase().replaceAll("`", "'").split(/\s+/).filter(Boolean).join(" ");

function sums(falls, k) {
  const scores = new Int32Array(falls.length);
  for (let at = 0; at < falls.length; at += 1) scores[at] = at % k ? scores[at - 1] - falls[at] : falls[at];
  return scores;
}

function starts(counts) {
  const first = new Uint32Array(counts.length + 1);
  for (let at = 0; at < counts.length; at += 1) first[at + 1] = first[at] + counts[at];
  return first;
}
