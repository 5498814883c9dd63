const byId = (id) => document.getElementById(id);

/* A new element; children that are text become text, never HTML. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/* What a reader must not see in a stranger's name: controls and what reorders the text around it. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/gu;
const shown = (name) => name.replace(UNPRINTABLE, "");
const bdi = (name) => element("bdi", {}, shown(name));

/* Only what is an address of the web may be a link. */
function link(address, text, attributes = {}) {
  if (!/^https?:\/\/[!-~]+$/.test(address)) return document.createTextNode(text);
  return element("a", { href: address, rel: "noopener noreferrer", target: "_blank", ...attributes }, text);
}

const decimal = (number) => number.toFixed(2).replace("-", "−");

function ordinal(number) {
  const whole = Math.floor(number);
  const teen = whole % 100 > 10 && whole % 100 < 14;
  return `${whole}${teen ? "th" : { 1: "st", 2: "nd", 3: "rd" }[whole % 10] ?? "th"}`;
}

const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/* The part of the address behind the #, which others can be given. */
const address = {
  read: () => new URLSearchParams(location.hash.slice(1)),
  write(changes) {
    const parts = address.read();
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === "") parts.delete(name);
      else parts.set(name, value);
    }
    const text = parts.toString();
    try {
      history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
    } catch {
      location.hash = text; // some browsers refuse the first on files
    }
  },
};

/* What the browser keeps for this page; nothing where it may not. */
const store = {
  get(name) {
    try {
      return JSON.parse(localStorage.getItem(`artistindex:${name}`)) ?? null;
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`artistindex:${name}`, JSON.stringify(value));
    } catch {
      /* a private window: the picks last as long as the page */
    }
  },
};

const say = (text) => {
  byId("status").textContent = text;
};
