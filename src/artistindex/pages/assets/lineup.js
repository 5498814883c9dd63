/* The line-up: the table is in the page already; here are its filters, the picks and the player. */
const SHORT = 30; /* acts shown at first, so that the map is not a long way down */

class LineupTable {
  constructor(acts, title, onShowOnMap) {
    this.acts = acts;
    this.title = title;
    this.rows = [...byId("acts").tBodies[0].rows];
    this.picks = new Set(store.get("picks") ?? []);
    this.lent = new Set((address.read().get("picks") ?? "").split(".").filter(Boolean));
    this.onShowOnMap = onShowOnMap;
    byId("tools").hidden = false;
    this.addPickButtons();
    this.addMapButtons();
    this.addFilters();
    this.addFiles();
    this.offerLent();
    this.update();
  }

  addPickButtons() {
    this.rows.forEach((row, at) => {
      const act = this.acts[at];
      const button = element("button", {
        type: "button",
        class: "pick",
        "aria-pressed": "false",
        "aria-label": `Pick ${shown(act.name)}`,
        onclick: () => this.toggle(act.key),
      });
      row.cells[0].append(button);
    });
  }

  addMapButtons() {
    if (!this.onShowOnMap) return;
    this.rows.forEach((row, at) => {
      const act = this.acts[at];
      if (act.row === null) return;
      const button = element("button", { type: "button", class: "quiet", onclick: () => this.onShowOnMap(act.row) }, "On the map");
      row.querySelector(".act").append(button);
    });
  }

  addFilters() {
    for (const id of ["filter-day", "filter-place", "filter-picked"]) {
      byId(id)?.addEventListener("change", () => this.update());
    }
    byId("filter-name").addEventListener("input", () => this.update());
    byId("tools").addEventListener("submit", (event) => event.preventDefault());
    byId("show-all").addEventListener("click", () => {
      this.isWhole = true;
      this.update();
      this.rows[SHORT].querySelector("button.pick").focus();
    });
  }

  addFiles() {
    const picked = () => this.acts.filter((act) => this.picks.has(act.key));
    byId("save-ics").addEventListener("click", () => download("picks.ics", "text/calendar", icsText(picked())));
    byId("save-m3u8").addEventListener("click", () =>
      download("picks.m3u8", "audio/x-mpegurl", m3u8Text(picked(), this.title)),
    );
    byId("share").addEventListener("click", () => this.share());
    byId("print").addEventListener("click", () => window.print());
  }

  /* Picks that came with the address are somebody else's until they are taken over. */
  offerLent() {
    const known = new Set(this.acts.map((act) => act.key));
    this.lent = new Set([...this.lent].filter((key) => known.has(key) && !this.picks.has(key)));
    if (!this.lent.size) return;
    const notice = byId("lent");
    const take = element("button", { type: "button", class: "plain" }, "Add them to mine");
    take.addEventListener("click", () => {
      this.lent.forEach((key) => this.picks.add(key));
      this.lent.clear();
      notice.hidden = true;
      this.keep();
    });
    const names = this.acts.filter((act) => this.lent.has(act.key)).map((act) => shown(act.name));
    notice.append(`${counted(names.length, "pick")} came with this address: ${names.slice(0, 5).join(", ")}`);
    notice.append(names.length > 5 ? " and more. " : ". ", take);
    notice.hidden = false;
  }

  toggle(key) {
    if (!this.picks.delete(key)) this.picks.add(key);
    this.keep();
  }

  keep() {
    store.set("picks", [...this.picks]);
    this.update();
  }

  async share() {
    const keys = this.acts.filter((act) => this.picks.has(act.key)).map((act) => act.key);
    address.write({ picks: keys.join(".") });
    /* where the page lies on this disk is nobody's business */
    const isFile = location.protocol === "file:";
    const text = isFile ? location.href.split("/").pop() : location.href;
    const where = isFile ? "Who has this page opens it with that ending" : "Whoever opens it sees them";
    try {
      await navigator.clipboard.writeText(text);
      say(`The address with your picks is copied. ${where}.`);
    } catch {
      say(`The address of this page has your picks now: it ends with ${text.slice(text.indexOf("#"))}`);
    }
    byId("shared").textContent = byId("status").textContent;
  }

  update() {
    const day = byId("filter-day")?.value ?? "";
    const place = byId("filter-place")?.value ?? "";
    const typed = fold(byId("filter-name").value);
    const isPicked = byId("filter-picked").checked;
    const isShort = !this.isWhole && !day && !place && !typed && !isPicked && this.rows.length > SHORT + 10;
    byId("more").hidden = !isShort;
    let count = 0;
    this.rows.forEach((row, at) => {
      const act = this.acts[at];
      const plays = act.events.some((event) => (!day || event.when === day) && (!place || (event.venue ?? event.stage) === place));
      const fits = (!(day || place) || plays) && (!isPicked || this.picks.has(act.key)) && (!typed || fold(act.name).includes(typed));
      const isLater = isShort && at >= SHORT;
      row.hidden = !fits || isLater;
      row.classList.toggle("later", isLater);
      count += fits;
      row.classList.toggle("picked", this.picks.has(act.key));
      row.querySelector("button.pick").setAttribute("aria-pressed", String(this.picks.has(act.key)));
    });
    this.tell(count);
  }

  tell(count) {
    const picked = this.acts.filter((act) => this.picks.has(act.key));
    byId("count").textContent = count === this.acts.length ? counted(count, "act") : `${count} of ${counted(this.acts.length, "act")}`;
    byId("picked-count").textContent = picked.length ? `${picked.length}` : "";
    document.body.classList.toggle("has-picks", picked.length > 0);
    byId("save-ics").disabled = !picked.some((act) => act.events.some((event) => event.date));
    byId("save-m3u8").disabled = !picked.some((act) => act.tracks.some((track) => track.audio || track.link));
    byId("share").disabled = !picked.length;
  }
}

/* One player for all play buttons of the page: a second click stops. */
class Player {
  constructor() {
    this.audio = new Audio();
    this.audio.preload = "none";
    this.button = null;
    this.audio.addEventListener("ended", () => this.stop());
    this.audio.addEventListener("error", () => this.button && this.fail());
    document.addEventListener("click", (event) => {
      const button = event.target.closest("button.play");
      if (button) this.toggle(button);
    });
  }

  toggle(button) {
    const isPlaying = this.button === button;
    this.stop();
    if (isPlaying) return;
    this.button = button;
    this.audio.src = button.dataset.audio;
    button.setAttribute("aria-pressed", "true");
    this.audio.play().catch(() => this.button === button && this.fail());
  }

  stop() {
    this.audio.pause();
    this.button?.setAttribute("aria-pressed", "false");
    this.button = null;
  }

  fail() {
    const { title } = this.button.dataset;
    this.stop();
    say(`${title}: its file is not beside this page, or this browser cannot play it`);
  }
}

function playButton(track) {
  return element("button", {
    type: "button",
    class: "play",
    "aria-pressed": "false",
    "aria-label": `Play ${shown(track.title)}`,
    "data-audio": track.audio,
    "data-title": shown(track.title),
  });
}
