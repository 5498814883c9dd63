/* My picks as files: a calendar (RFC 5545) and a playlist. */

function icsText(picks, now = new Date()) {
  const evenings = new Map();
  for (const act of picks) {
    for (const event of act.events) {
      if (!event.date) continue;
      const evening = evenings.get(event.uid) ?? { ...event, acts: [] };
      evening.acts.push(event.time ? `${event.time} ${act.name}` : act.name);
      evenings.set(event.uid, evening);
    }
  }
  const stamp = `${now.toISOString().replace(/[-:]/g, "").slice(0, 15)}Z`;
  const lines = ["BEGIN:VCALENDAR", "PRODID:-//artistindex//page//EN", "VERSION:2.0"];
  for (const evening of evenings.values()) {
    lines.push("BEGIN:VEVENT", `UID:${evening.uid}`, `DTSTAMP:${stamp}`);
    lines.push(`DTSTART;VALUE=DATE:${evening.date.replaceAll("-", "")}`);
    lines.push(`SUMMARY:${icsEscape(evening.event || evening.acts.join(", "))}`);
    lines.push(`DESCRIPTION:${icsEscape([...evening.acts, evening.link].filter(Boolean).join("\n"))}`);
    if (evening.venue) lines.push(`LOCATION:${icsEscape(evening.venue)}`);
    if (evening.link) lines.push(`URL:${evening.link}`);
    lines.push("TRANSP:TRANSPARENT", "END:VEVENT");
  }
  lines.push("END:VCALENDAR");
  return lines.flatMap(icsFolded).join("\r\n") + "\r\n";
}

const icsEscape = (text) =>
  text
    .split("\n")
    .map(shown)
    .join("\n")
    .replace(/[\\;,]/g, (sign) => `\\${sign}`)
    .replaceAll("\n", "\\n");

/* Lines have at most 75 bytes; the rest follows on lines that begin with a space. */
function icsFolded(line) {
  const parts = [];
  let part = "";
  let bytes = 0;
  for (const letter of line) {
    const size = new TextEncoder().encode(letter).length;
    if (bytes + size > 75) {
      parts.push(part);
      part = " ";
      bytes = 1;
    }
    part += letter;
    bytes += size;
  }
  return [...parts, part];
}

function m3u8Text(picks, title) {
  const lines = ["#EXTM3U", `#PLAYLIST:${shown(title)}`];
  for (const act of picks) {
    for (const track of act.tracks) {
      const place = track.audio ?? track.link;
      if (place) lines.push(`#EXTINF:-1,${shown(`${act.name} - ${track.title}`)}`, place);
    }
  }
  return `${lines.join("\n")}\n`;
}

function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
