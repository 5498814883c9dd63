/* The map with its search, its panel and its ways. */
class ArtistMap {
  constructor(artists, header) {
    this.artists = artists;
    this.canvas = byId("map-canvas");
    this.panel = byId("panel");
    this.favourites = new Set(header.favourites);
    this.playing = new Set(header.playing);
    byId("map-body").hidden = false;
    this.view = new MapCanvas(this.canvas, artists, this.marks());
    this.view.view.x = this.view.middle[0];
    this.view.view.y = this.view.middle[1];
    this.start = null;
    new Combobox("map-search", (text) => this.suggest(text), (row) => this.select(row));
    this.addGestures();
    this.addButtons();
    window.addEventListener("hashchange", () => this.followAddress());
    this.welcome();
    this.followAddress();
    this.view.settle();
    if (address.read().has("artist")) byId("map").scrollIntoView({ behavior: "instant" });
  }

  marks() {
    const marks = new Map();
    for (const row of this.playing) marks.set(row, { ring: true, star: false });
    for (const row of this.favourites) marks.set(row, { ring: this.playing.has(row), star: true });
    return marks;
  }

  suggest(text) {
    return this.artists.search(text, 8).map((row) => ({ row, name: this.artists.names[row], note: this.noteOf(row) }));
  }

  noteOf(row) {
    return [this.favourites.has(row) && "favourite", this.playing.has(row) && "plays"].filter(Boolean).join(", ");
  }

  followAddress() {
    const parts = address.read();
    const row = parts.has("artist") ? this.artists.find(parts.get("artist")) : -1;
    const end = parts.has("to") ? this.artists.find(parts.get("to")) : -1;
    if (row >= 0 && end >= 0 && row !== end) this.walkTo(row, end, { isFollowing: true });
    else if (row >= 0 && row !== this.view.selected) this.select(row, { isFollowing: true });
  }

  /* --- choosing ---------------------------------------------------------------------------------- */

  select(row, { isFollowing = false, isGliding = true } = {}) {
    this.view.selected = row;
    this.view.path = [];
    const neighbours = this.artists.neighbours(row);
    this.fill(this.artistPanel(row, neighbours));
    if (!isFollowing) address.write({ artist: this.artists.key(row), to: null });
    if (isGliding) this.view.show([row, ...neighbours.slice(0, 5).map((neighbour) => neighbour.row)]);
    else this.view.settle();
    say(`${shown(this.artists.names[row])}: ${counted(neighbours.length, "neighbour")} listed`);
  }

  clear() {
    this.view.selected = null;
    this.view.path = [];
    address.write({ artist: null, to: null });
    this.welcome();
    this.view.settle();
  }

  walkTo(start, end, { isFollowing = false } = {}) {
    const steps = findPath(this.artists, start, end);
    if (!steps) {
      say("No way leads there over anybody's nearest neighbours");
      byId("way-status").textContent = byId("status").textContent;
      return;
    }
    this.view.selected = null;
    this.view.path = [start, ...steps.map((step) => step.row)];
    this.fill(this.pathPanel(start, end, steps));
    if (!isFollowing) address.write({ artist: this.artists.key(start), to: this.artists.key(end) });
    this.view.show(this.view.path);
    say(`${counted(steps.length, "step")} from ${shown(this.artists.names[start])} to ${shown(this.artists.names[end])}`);
  }

  /* --- the panel --------------------------------------------------------------------------------- */

  fill(...content) {
    this.panel.replaceChildren(...content.flat());
    this.panel.scrollTop = 0;
  }

  welcome() {
    this.fill(
      element("h3", {}, "Find somebody"),
      element("p", {}, "Click a point, or type a name above. You get the artists that really sound nearest, wherever the map has put them."),
    );
  }

  artistPanel(row, neighbours) {
    const { artists } = this;
    const track = artists.track(row);
    return [
      element("header", {}, element("h3", { tabindex: "-1" }, bdi(artists.names[row])), this.closeButton()),
      element("p", { class: "facts" }, this.factsOf(row)),
      element("p", { class: "links" }, ...artists.pages(row).map(([service, page]) => link(page, service))),
      track ? element("p", { class: "track" }, "Begin with ", trackLine(track)) : null,
      element("h4", {}, "Sounds nearest"),
      element("ol", { class: "neighbours" }, ...neighbours.map((neighbour) => this.neighbourItem(neighbour))),
      element("h4", {}, "A way to another artist"),
      this.wayForm(row),
    ].filter(Boolean);
  }

  factsOf(row) {
    const { artists } = this;
    const tracks = counted(artists.counts[row], "track");
    const kept = `${artists.kept[row]} of ${counted(artists.map.kept.k, "true neighbour")} near on the map`;
    return [this.noteOf(row), tracks, artists.k && kept].filter(Boolean).join(" · ");
  }

  neighbourItem({ row, score }) {
    const percentile = this.artists.percentile(score);
    const track = this.artists.track(row);
    const button = element("button", { type: "button", class: "name", onclick: () => this.choose(row) }, bdi(this.artists.names[row]));
    const note = this.noteOf(row);
    return element(
      "li",
      {},
      element("div", { class: "line" }, button, note ? element("span", { class: "tag" }, note) : null,
        element("span", { class: "score", title: percentile === null ? null : `nearer than ${percentile.toFixed(1)}% of all pairs` },
          decimal(score), percentile === null ? "" : ` · ${ordinal(percentile)}`)),
      track ? element("div", { class: "track" }, trackLine(track)) : null,
    );
  }

  choose(row) {
    this.select(row);
    this.panel.querySelector("h3").focus({ preventScroll: true });
  }

  closeButton() {
    return element("button", { type: "button", class: "plain close", "aria-label": "Close", onclick: () => this.clear() }, "×");
  }

  wayForm(start) {
    const holder = element("div", { class: "combobox" },
      element("input", { id: "way-search", type: "text", role: "combobox", "aria-label": "To which artist?", "aria-expanded": "false", "aria-controls": "way-search-list", "aria-autocomplete": "list", autocomplete: "off", placeholder: "To which artist?" }),
      element("ul", { id: "way-search-list", role: "listbox", "aria-label": "Artists", hidden: true }));
    const status = element("p", { id: "way-status", class: "facts" });
    requestAnimationFrame(() => {
      if (!byId("way-search")) return;
      new Combobox("way-search", (text) => this.suggest(text).filter(({ row }) => row !== start), (row) => this.walkTo(start, row));
    });
    return element("div", {}, holder, status);
  }

  pathPanel(start, end, steps) {
    const smallest = Math.min(...steps.map((step) => step.score));
    const items = [this.pathItem(start)];
    for (const step of steps) items.push(this.stepItem(step), this.pathItem(step.row));
    const note = this.artists.leaving
      ? "Between two artists stand the recordings of theirs that are most alike."
      : "Which recordings join the steps is kept in pages of smaller indexes only.";
    return [
      element("header", {}, element("h3", { tabindex: "-1" }, "From ", bdi(this.artists.names[start]), " to ", bdi(this.artists.names[end])), this.closeButton()),
      element("p", { class: "facts" }, `${counted(steps.length, "step")}, the widest of ${decimal(smallest)}. ${note}`),
      element("ol", { class: "path" }, ...items),
    ];
  }

  pathItem(row) {
    return element("li", { class: "stop" }, element("button", { type: "button", class: "name", onclick: () => this.choose(row) }, bdi(this.artists.names[row])));
  }

  stepItem(step) {
    const { artists } = this;
    const joint = step.isBack ? artists.joint(step.row, step.at) : artists.joint(step.from, step.at);
    const [first, second] = joint && (step.isBack ? [joint.entering, joint.leaving] : [joint.leaving, joint.entering]);
    return element("li", { class: "step" },
      element("span", { class: "score" }, decimal(step.score)),
      joint ? element("span", { class: "track" }, trackLine(first), element("span", { class: "arrow", "aria-label": "then" }, " → "), trackLine(second)) : null);
  }

  /* --- gestures ---------------------------------------------------------------------------------- */

  addButtons() {
    byId("zoom-in").addEventListener("click", () => this.view.zoom(1.6));
    byId("zoom-out").addEventListener("click", () => this.view.zoom(1 / 1.6));
    byId("zoom-fit").addEventListener("click", () => this.view.fit());
  }

  addGestures() {
    const { canvas, view } = this;
    const pointers = new Map();
    let travelled = 0;
    const placeOf = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, placeOf(event));
      travelled = pointers.size > 1 ? Infinity : 0;
    });
    canvas.addEventListener("pointermove", (event) => {
      const now = placeOf(event);
      const before = pointers.get(event.pointerId);
      if (!before) {
        if (event.pointerType === "mouse") this.hover(now);
        return;
      }
      pointers.set(event.pointerId, now);
      if (pointers.size === 1) {
        travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
        view.pan(now[0] - before[0], now[1] - before[1]);
      } else {
        const [other] = [...pointers].find(([id]) => id !== event.pointerId).slice(1);
        this.pinch(before, now, other);
      }
    });
    const end = (event) => {
      if (pointers.delete(event.pointerId) && event.type === "pointerup" && travelled < 6) this.tap(placeOf(event));
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    canvas.addEventListener("pointerleave", () => this.hover(null));
    canvas.addEventListener("wheel", (event) => this.wheel(event, placeOf(event)), { passive: false });
    canvas.addEventListener("dblclick", (event) => view.zoom(2, ...placeOf(event)));
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  pinch(before, now, other) {
    const distance = ([x, y]) => Math.hypot(x - other[0], y - other[1]) || 1;
    const middle = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
    this.view.zoom(distance(now) / distance(before), ...middle);
    this.view.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  }

  tap([x, y]) {
    const row = this.view.at(x, y, 18);
    if (row !== null) this.select(row, { isGliding: false });
    else if (this.view.selected !== null || this.view.path.length) this.clear();
  }

  hover(place) {
    const row = place && this.view.at(...place);
    if (row === this.view.hovered) return;
    this.view.hovered = row;
    this.canvas.classList.toggle("on-artist", row !== null);
    this.view.request();
  }

  /* On a page with more than the map the wheel scrolls the page, until the map has the focus. */
  wheel(event, place) {
    const isOurs = event.ctrlKey || event.metaKey || document.activeElement === this.canvas || !byId("lineup");
    if (!isOurs) return;
    event.preventDefault();
    const pixels = event.deltaMode ? event.deltaY * 30 : event.deltaY;
    this.view.zoom(Math.exp(-Math.max(-120, Math.min(120, pixels)) / 250), ...place);
  }

  key(event) {
    const { view } = this;
    const moves = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) view.pan(...moves[event.key]);
    else if (event.key === "+" || event.key === "=") view.zoom(1.4);
    else if (event.key === "-") view.zoom(1 / 1.4);
    else if (event.key === "0") view.fit();
    else if (event.key === "Escape") this.clear();
    else if (event.key === "Enter") this.selectMiddle();
    else return;
    event.preventDefault();
  }

  selectMiddle() {
    const row = this.view.at(this.view.width / 2, this.view.height / 2, Infinity);
    if (row !== null) this.select(row, { isGliding: false });
  }
}

function trackLine(track) {
  const title = track.link ? link(track.link, shown(track.title)) : element("bdi", {}, shown(track.title));
  return element("span", { class: "title" }, track.audio ? playButton(track) : null, title);
}

/* A field that suggests while one types, by keyboard too (WAI-ARIA's pattern of a combobox). */
class Combobox {
  constructor(id, suggest, choose) {
    this.input = byId(id);
    this.list = byId(`${id}-list`);
    this.suggest = suggest;
    this.choose = choose;
    this.options = [];
    this.active = -1;
    this.input.addEventListener("input", () => this.open());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
  }

  open() {
    this.options = this.suggest(this.input.value);
    this.active = this.options.length ? 0 : -1;
    const items = this.options.map((option, at) => {
      const item = element("li", { id: `${this.list.id}-${at}`, role: "option" }, bdi(option.name), option.note ? element("span", { class: "tag" }, option.note) : null);
      item.addEventListener("pointerdown", (event) => event.preventDefault());
      item.addEventListener("click", () => this.take(at));
      return item;
    });
    this.list.replaceChildren(...items);
    const isOpen = items.length > 0;
    this.list.hidden = !isOpen;
    this.input.setAttribute("aria-expanded", String(isOpen));
    if (this.input.value && !isOpen) say("Nobody of that name");
    this.mark();
  }

  mark() {
    [...this.list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === this.active)));
    if (this.active < 0) this.input.removeAttribute("aria-activedescendant");
    else this.input.setAttribute("aria-activedescendant", `${this.list.id}-${this.active}`);
  }

  key(event) {
    const count = this.options.length;
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && this.active >= 0) this.take(this.active);
    else if (event.key === "ArrowDown" && count) this.active = (this.active + 1) % count;
    else if (event.key === "ArrowUp" && count) this.active = (this.active + count - 1) % count;
    else return;
    event.preventDefault();
    this.mark();
  }

  take(at) {
    const { row } = this.options[at];
    this.input.value = "";
    this.close();
    this.choose(row);
  }

  close() {
    this.options = [];
    this.active = -1;
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}
